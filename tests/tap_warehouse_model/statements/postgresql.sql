-- pins
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'postgres';
SET extra_float_digits = 1;
SET bytea_output = 'hex';
SET default_transaction_read_only = on

-- read: all
SELECT q."a_int8" AS "a_int8", q."a_numeric" AS "a_numeric", q."a_float4" AS "a_float4", q."a_bool" AS "a_bool", q."a_text" AS "a_text", CAST(q."a_uuid" AS text) AS "a_uuid", translate(encode(q."a_bytea", 'base64'), E'\n', '') AS "a_bytea", CAST(q."a_json" AS text) AS "a_json", CASE WHEN q."a_date" BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN to_char(q."a_date", 'YYYY-MM-DD') WHEN q."a_date" IS NOT NULL THEN '@out-of-range@' END AS "a_date", CASE WHEN q."a_timestamp" BETWEEN TIMESTAMP '0001-01-01 00:00:00' AND TIMESTAMP '9999-12-31 23:59:59.999999' THEN to_char(q."a_timestamp", 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') WHEN q."a_timestamp" IS NOT NULL THEN '@out-of-range@' END AS "a_timestamp", CASE WHEN q."a_timestamptz" BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' THEN to_char(q."a_timestamptz" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') WHEN q."a_timestamptz" IS NOT NULL THEN '@out-of-range@' END AS "a_timestamptz", q."a_numeric_9_0_" AS "a_numeric_9_0_", CAST(to_json(q."a_integer_") AS text) AS "a_integer_", CAST(to_json(q."a_pair") AS text) AS "a_pair", CAST(q."a_interval" AS text) AS "a_interval"
FROM (SELECT * FROM "marts"."odd.name"
) AS q

-- read: from a bookmark, int8
SELECT q."a_int8" AS "a_int8"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_int8" >= CAST(%(tap_bookmark)s AS bigint)
ORDER BY q."a_int8" NULLS FIRST, q."id"

-- read: from a bookmark, text
SELECT q."a_text" AS "a_text"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_text" >= CAST(%(tap_bookmark)s AS text)
ORDER BY q."a_text" NULLS FIRST, q."id"

-- read: from a bookmark, uuid
SELECT CAST(q."a_uuid" AS text) AS "a_uuid"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_uuid" >= CAST(%(tap_bookmark)s AS uuid)
ORDER BY q."a_uuid" NULLS FIRST, q."id"

-- read: from a bookmark, date
SELECT CASE WHEN q."a_date" BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN to_char(q."a_date", 'YYYY-MM-DD') WHEN q."a_date" IS NOT NULL THEN '@out-of-range@' END AS "a_date"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_date" >= CAST(%(tap_bookmark)s AS date)
ORDER BY q."a_date" NULLS FIRST, q."id"

-- read: from a bookmark, timestamp
SELECT CASE WHEN q."a_timestamp" BETWEEN TIMESTAMP '0001-01-01 00:00:00' AND TIMESTAMP '9999-12-31 23:59:59.999999' THEN to_char(q."a_timestamp", 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') WHEN q."a_timestamp" IS NOT NULL THEN '@out-of-range@' END AS "a_timestamp"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_timestamp" >= CAST(%(tap_bookmark)s AS timestamp)
ORDER BY q."a_timestamp" NULLS FIRST, q."id"

-- read: from a bookmark, timestamptz
SELECT CASE WHEN q."a_timestamptz" BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' THEN to_char(q."a_timestamptz" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') WHEN q."a_timestamptz" IS NOT NULL THEN '@out-of-range@' END AS "a_timestamptz"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_timestamptz" >= CAST(%(tap_bookmark)s AS timestamptz)
ORDER BY q."a_timestamptz" NULLS FIRST, q."id"

-- read: from a bookmark, numeric(9,0)
SELECT q."a_numeric_9_0_" AS "a_numeric_9_0_"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_numeric_9_0_" >= CAST(%(tap_bookmark)s AS numeric)
ORDER BY q."a_numeric_9_0_" NULLS FIRST, q."id"

-- snapshot (1 key)
CREATE TABLE reverse_etl.snapshot_0a1b2c3d4e5f AS SELECT t."id", t._diff_hash, CAST(NULL AS VARCHAR) AS _diff_marks
FROM (SELECT q."id" AS "id", CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_int8" AS VARCHAR), '~'), COALESCE(CAST(q."a_numeric" AS VARCHAR), '~'), COALESCE(CAST(q."a_float4" AS VARCHAR), '~'))) AS uuid) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q) AS t
WHERE 1 = 0

-- stage (1 key)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q."id" AS "id", CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_int8" AS VARCHAR), '~'), COALESCE(CAST(q."a_numeric" AS VARCHAR), '~'), COALESCE(CAST(q."a_float4" AS VARCHAR), '~'))) AS uuid) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q

-- stage: a slice, first of each key (1 key)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q."id" AS "id", CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_int8" AS VARCHAR), '~'), COALESCE(CAST(q."a_numeric" AS VARCHAR), '~'), COALESCE(CAST(q."a_float4" AS VARCHAR), '~'))) AS uuid) AS _diff_hash
FROM (SELECT q.*, row_number() OVER (PARTITION BY q."id" ORDER BY CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_int8" AS VARCHAR), '~'), COALESCE(CAST(q."a_numeric" AS VARCHAR), '~'), COALESCE(CAST(q."a_float4" AS VARCHAR), '~'))) AS uuid)) AS _diff_copy
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."id" IS NOT NULL) AS q
WHERE q._diff_copy = 1 AND MOD(CAST(CAST('x' || substr(md5(COALESCE(CAST(q."id" AS VARCHAR), '~')), 1, 8) AS bit(32)) AS bigint), 4) = 1

-- changes (1 key)
CREATE UNLOGGED TABLE reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS SELECT CASE WHEN (b."id" IS NULL) THEN 'A' ELSE 'C' END AS _diff_op, t."id", t._diff_hash
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS t LEFT OUTER JOIN (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS b ON t."id" = b."id"
WHERE b."id" IS NULL OR b._diff_hash IS NULL OR b._diff_hash != t._diff_hash UNION ALL SELECT 'R' AS _diff_op, g."id", CAST(NULL AS uuid) AS _diff_hash
FROM (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS g LEFT OUTER JOIN reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS u ON g."id" = u."id"
WHERE u."id" IS NULL

-- changes: a slice (1 key)
CREATE UNLOGGED TABLE reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS SELECT CASE WHEN (b."id" IS NULL) THEN 'A' ELSE 'C' END AS _diff_op, t."id", t._diff_hash
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS t LEFT OUTER JOIN (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s
WHERE MOD(CAST(CAST('x' || substr(md5(COALESCE(CAST(s."id" AS VARCHAR), '~')), 1, 8) AS bit(32)) AS bigint), 4) = 1) AS b ON t."id" = b."id"
WHERE b."id" IS NULL OR b._diff_hash IS NULL OR b._diff_hash != t._diff_hash UNION ALL SELECT 'R' AS _diff_op, g."id", CAST(NULL AS uuid) AS _diff_hash
FROM (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s
WHERE MOD(CAST(CAST('x' || substr(md5(COALESCE(CAST(s."id" AS VARCHAR), '~')), 1, 8) AS bit(32)) AS bigint), 4) = 1) AS g LEFT OUTER JOIN reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS u ON g."id" = u."id"
WHERE u."id" IS NULL

-- counts (1 key)
SELECT coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'A') THEN %(param_1)s::INTEGER ELSE %(param_2)s::INTEGER END), %(coalesce_2)s::INTEGER) AS coalesce_1, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'C') THEN %(param_3)s::INTEGER ELSE %(param_4)s::INTEGER END), %(coalesce_4)s::INTEGER) AS coalesce_3, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'R') THEN %(param_5)s::INTEGER ELSE %(param_6)s::INTEGER END), %(coalesce_6)s::INTEGER) AS coalesce_5, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'A' AND reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id" IS NULL) THEN %(param_7)s::INTEGER ELSE %(param_8)s::INTEGER END), %(coalesce_8)s::INTEGER) AS coalesce_7
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7

-- repeated (1 key)
SELECT count(*) AS count_1, coalesce(sum(r.n), %(coalesce_2)s::INTEGER) AS coalesce_1
FROM (SELECT count(*) AS n
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id" IS NOT NULL GROUP BY reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id"
HAVING count(*) > 1) AS r

-- nulls (1 key)
SELECT coalesce(sum(CASE WHEN (reverse_etl.stage_0a1b2c3d4e5f_0of1_7."id" IS NULL) THEN %(param_1)s::INTEGER ELSE %(param_2)s::INTEGER END), %(coalesce_2)s::INTEGER) AS coalesce_1
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7

-- rows (1 key)
SELECT count(*) AS count_1
FROM (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS k

-- plan (1 key)
CREATE TABLE reverse_etl.plan_0a1b2c3d4e5f_0of1_7 AS SELECT CAST(row_number() OVER () AS BIGINT) AS _diff_seq, c._diff_op, q."id" AS "id", q."a_int8" AS "a_int8", q."a_numeric" AS "a_numeric", q."a_float4" AS "a_float4", CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_int8" AS VARCHAR), '~'), COALESCE(CAST(q."a_numeric" AS VARCHAR), '~'), COALESCE(CAST(q."a_float4" AS VARCHAR), '~'))) AS uuid) AS _diff_hash, concat_ws('|', '2fa3', SUBSTR(MD5(COALESCE(CAST(q."a_int8" AS VARCHAR), '~')), 1, 3), SUBSTR(MD5(COALESCE(CAST(q."a_numeric" AS VARCHAR), '~')), 1, 3), SUBSTR(MD5(COALESCE(CAST(q."a_float4" AS VARCHAR), '~')), 1, 3)) AS _diff_marks
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q JOIN reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS c ON q."id" = c."id"
WHERE c._diff_op IN ('A', 'C')

-- removals (1 key)
INSERT INTO reverse_etl.plan_0a1b2c3d4e5f_0of1_7 (_diff_seq, _diff_op, "id") SELECT CAST(row_number() OVER (ORDER BY reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id") + 17 AS BIGINT) AS _diff_seq, reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op, reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id"
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'R'

-- changed columns (1 key)
SELECT coalesce(sum(CASE WHEN (substr(p._diff_marks, 6, 3) != substr(o._diff_marks, 6, 3)) THEN %(param_1)s::INTEGER ELSE %(param_2)s::INTEGER END), %(coalesce_2)s::INTEGER) AS coalesce_1, coalesce(sum(CASE WHEN (substr(p._diff_marks, 10, 3) != substr(o._diff_marks, 10, 3)) THEN %(param_3)s::INTEGER ELSE %(param_4)s::INTEGER END), %(coalesce_4)s::INTEGER) AS coalesce_3
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7 AS p JOIN (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS o ON p."id" = o."id"
WHERE p._diff_op = 'C' AND substr(p._diff_marks, 1, 4) = substr(o._diff_marks, 1, 4)

-- page (1 key)
SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op, reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_int8", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_numeric", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_float4"
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s::INTEGER AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s::INTEGER ORDER BY reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq

-- fold: forget (1 key)
DELETE FROM reverse_etl.snapshot_0a1b2c3d4e5f WHERE reverse_etl.snapshot_0a1b2c3d4e5f."id" IN (SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id"
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s::INTEGER AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s::INTEGER)

-- fold: confirm (1 key)
INSERT INTO reverse_etl.snapshot_0a1b2c3d4e5f ("id", _diff_hash, _diff_marks) SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_hash, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s::INTEGER AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s::INTEGER AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op != 'R'

-- taint (1 key)
INSERT INTO reverse_etl.snapshot_0a1b2c3d4e5f ("id", _diff_hash, _diff_marks) SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", CAST(NULL AS uuid) AS _diff_hash, CASE WHEN (reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op = 'R') THEN 'removed' ELSE CAST(NULL AS VARCHAR) END AS _diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s::INTEGER AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s::INTEGER

-- expected (1 key)
SELECT e."id", e._diff_hash, e._diff_marks
FROM (SELECT n."id" AS "id", n._diff_hash AS _diff_hash, n._diff_marks AS _diff_marks
FROM (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS n LEFT OUTER JOIN (SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id" AS "id"
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s::INTEGER AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s::INTEGER) AS l ON n."id" = l."id"
WHERE l."id" IS NULL UNION ALL SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id" AS "id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_hash AS _diff_hash, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_marks AS _diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_3)s::INTEGER AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_4)s::INTEGER AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op != 'R') AS e

-- copied: stage (1 key)
SELECT CAST(q."id" AS VARCHAR) AS k0, CAST(CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_int8" AS VARCHAR), '~'), COALESCE(CAST(q."a_numeric" AS VARCHAR), '~'), COALESCE(CAST(q."a_float4" AS VARCHAR), '~'))) AS uuid) AS VARCHAR) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q

-- copied: rows of keys (1 key)
SELECT CAST(q."id" AS VARCHAR) AS k0, CAST(CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_int8" AS VARCHAR), '~'), COALESCE(CAST(q."a_numeric" AS VARCHAR), '~'), COALESCE(CAST(q."a_float4" AS VARCHAR), '~'))) AS uuid) AS VARCHAR) AS _diff_hash, concat_ws('|', '2fa3', SUBSTR(MD5(COALESCE(CAST(q."a_int8" AS VARCHAR), '~')), 1, 3), SUBSTR(MD5(COALESCE(CAST(q."a_numeric" AS VARCHAR), '~')), 1, 3), SUBSTR(MD5(COALESCE(CAST(q."a_float4" AS VARCHAR), '~')), 1, 3)) AS _diff_marks, q."id" AS "id", q."a_int8" AS "a_int8", q."a_numeric" AS "a_numeric", q."a_float4" AS "a_float4"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q JOIN (SELECT key ->> 0 AS k0 FROM json_array_elements(CAST(%(wanted_keys)s::VARCHAR AS json)) AS key) AS w ON CAST(q."id" AS VARCHAR) = w.k0

-- snapshot (2 keys)
CREATE TABLE reverse_etl.snapshot_0a1b2c3d4e5f AS SELECT t."id", t."part", t._diff_hash, CAST(NULL AS VARCHAR) AS _diff_marks
FROM (SELECT q."id" AS "id", q."part" AS "part", CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_int8" AS VARCHAR), '~'), COALESCE(CAST(q."a_numeric" AS VARCHAR), '~'), COALESCE(CAST(q."a_float4" AS VARCHAR), '~'))) AS uuid) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q) AS t
WHERE 1 = 0

-- stage (2 keys)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q."id" AS "id", q."part" AS "part", CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_int8" AS VARCHAR), '~'), COALESCE(CAST(q."a_numeric" AS VARCHAR), '~'), COALESCE(CAST(q."a_float4" AS VARCHAR), '~'))) AS uuid) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q

-- stage: a slice, first of each key (2 keys)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q."id" AS "id", q."part" AS "part", CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_int8" AS VARCHAR), '~'), COALESCE(CAST(q."a_numeric" AS VARCHAR), '~'), COALESCE(CAST(q."a_float4" AS VARCHAR), '~'))) AS uuid) AS _diff_hash
FROM (SELECT q.*, row_number() OVER (PARTITION BY q."id", q."part" ORDER BY CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_int8" AS VARCHAR), '~'), COALESCE(CAST(q."a_numeric" AS VARCHAR), '~'), COALESCE(CAST(q."a_float4" AS VARCHAR), '~'))) AS uuid)) AS _diff_copy
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."id" IS NOT NULL AND q."part" IS NOT NULL) AS q
WHERE q._diff_copy = 1 AND MOD(CAST(CAST('x' || substr(md5(concat_ws('|', COALESCE(CAST(q."id" AS VARCHAR), '~'), COALESCE(CAST(q."part" AS VARCHAR), '~'))), 1, 8) AS bit(32)) AS bigint), 4) = 1

-- changes (2 keys)
CREATE UNLOGGED TABLE reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS SELECT CASE WHEN (b."id" IS NULL) THEN 'A' ELSE 'C' END AS _diff_op, t."id", t."part", t._diff_hash
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS t LEFT OUTER JOIN (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS b ON t."id" = b."id" AND t."part" = b."part"
WHERE b."id" IS NULL OR b._diff_hash IS NULL OR b._diff_hash != t._diff_hash UNION ALL SELECT 'R' AS _diff_op, g."id", g."part", CAST(NULL AS uuid) AS _diff_hash
FROM (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS g LEFT OUTER JOIN reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS u ON g."id" = u."id" AND g."part" = u."part"
WHERE u."id" IS NULL

-- changes: a slice (2 keys)
CREATE UNLOGGED TABLE reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS SELECT CASE WHEN (b."id" IS NULL) THEN 'A' ELSE 'C' END AS _diff_op, t."id", t."part", t._diff_hash
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS t LEFT OUTER JOIN (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s
WHERE MOD(CAST(CAST('x' || substr(md5(concat_ws('|', COALESCE(CAST(s."id" AS VARCHAR), '~'), COALESCE(CAST(s."part" AS VARCHAR), '~'))), 1, 8) AS bit(32)) AS bigint), 4) = 1) AS b ON t."id" = b."id" AND t."part" = b."part"
WHERE b."id" IS NULL OR b._diff_hash IS NULL OR b._diff_hash != t._diff_hash UNION ALL SELECT 'R' AS _diff_op, g."id", g."part", CAST(NULL AS uuid) AS _diff_hash
FROM (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s
WHERE MOD(CAST(CAST('x' || substr(md5(concat_ws('|', COALESCE(CAST(s."id" AS VARCHAR), '~'), COALESCE(CAST(s."part" AS VARCHAR), '~'))), 1, 8) AS bit(32)) AS bigint), 4) = 1) AS g LEFT OUTER JOIN reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS u ON g."id" = u."id" AND g."part" = u."part"
WHERE u."id" IS NULL

-- counts (2 keys)
SELECT coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'A') THEN %(param_1)s::INTEGER ELSE %(param_2)s::INTEGER END), %(coalesce_2)s::INTEGER) AS coalesce_1, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'C') THEN %(param_3)s::INTEGER ELSE %(param_4)s::INTEGER END), %(coalesce_4)s::INTEGER) AS coalesce_3, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'R') THEN %(param_5)s::INTEGER ELSE %(param_6)s::INTEGER END), %(coalesce_6)s::INTEGER) AS coalesce_5, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'A' AND (reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id" IS NULL OR reverse_etl.changes_0a1b2c3d4e5f_0of1_7."part" IS NULL)) THEN %(param_7)s::INTEGER ELSE %(param_8)s::INTEGER END), %(coalesce_8)s::INTEGER) AS coalesce_7
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7

-- repeated (2 keys)
SELECT count(*) AS count_1, coalesce(sum(r.n), %(coalesce_2)s::INTEGER) AS coalesce_1
FROM (SELECT count(*) AS n
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id" IS NOT NULL AND reverse_etl.changes_0a1b2c3d4e5f_0of1_7."part" IS NOT NULL GROUP BY reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id", reverse_etl.changes_0a1b2c3d4e5f_0of1_7."part"
HAVING count(*) > 1) AS r

-- nulls (2 keys)
SELECT coalesce(sum(CASE WHEN (reverse_etl.stage_0a1b2c3d4e5f_0of1_7."id" IS NULL) THEN %(param_1)s::INTEGER ELSE %(param_2)s::INTEGER END), %(coalesce_2)s::INTEGER) AS coalesce_1, coalesce(sum(CASE WHEN (reverse_etl.stage_0a1b2c3d4e5f_0of1_7."part" IS NULL) THEN %(param_3)s::INTEGER ELSE %(param_4)s::INTEGER END), %(coalesce_4)s::INTEGER) AS coalesce_3
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7

-- rows (2 keys)
SELECT count(*) AS count_1
FROM (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS k

-- plan (2 keys)
CREATE TABLE reverse_etl.plan_0a1b2c3d4e5f_0of1_7 AS SELECT CAST(row_number() OVER () AS BIGINT) AS _diff_seq, c._diff_op, q."id" AS "id", q."part" AS "part", q."a_int8" AS "a_int8", q."a_numeric" AS "a_numeric", q."a_float4" AS "a_float4", CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_int8" AS VARCHAR), '~'), COALESCE(CAST(q."a_numeric" AS VARCHAR), '~'), COALESCE(CAST(q."a_float4" AS VARCHAR), '~'))) AS uuid) AS _diff_hash, concat_ws('|', '2fa3', SUBSTR(MD5(COALESCE(CAST(q."a_int8" AS VARCHAR), '~')), 1, 3), SUBSTR(MD5(COALESCE(CAST(q."a_numeric" AS VARCHAR), '~')), 1, 3), SUBSTR(MD5(COALESCE(CAST(q."a_float4" AS VARCHAR), '~')), 1, 3)) AS _diff_marks
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q JOIN reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS c ON q."id" = c."id" AND q."part" = c."part"
WHERE c._diff_op IN ('A', 'C')

-- removals (2 keys)
INSERT INTO reverse_etl.plan_0a1b2c3d4e5f_0of1_7 (_diff_seq, _diff_op, "id", "part") SELECT CAST(row_number() OVER (ORDER BY reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id", reverse_etl.changes_0a1b2c3d4e5f_0of1_7."part") + 17 AS BIGINT) AS _diff_seq, reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op, reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id", reverse_etl.changes_0a1b2c3d4e5f_0of1_7."part"
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'R'

-- changed columns (2 keys)
SELECT coalesce(sum(CASE WHEN (substr(p._diff_marks, 6, 3) != substr(o._diff_marks, 6, 3)) THEN %(param_1)s::INTEGER ELSE %(param_2)s::INTEGER END), %(coalesce_2)s::INTEGER) AS coalesce_1, coalesce(sum(CASE WHEN (substr(p._diff_marks, 10, 3) != substr(o._diff_marks, 10, 3)) THEN %(param_3)s::INTEGER ELSE %(param_4)s::INTEGER END), %(coalesce_4)s::INTEGER) AS coalesce_3
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7 AS p JOIN (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS o ON p."id" = o."id" AND p."part" = o."part"
WHERE p._diff_op = 'C' AND substr(p._diff_marks, 1, 4) = substr(o._diff_marks, 1, 4)

-- page (2 keys)
SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op, reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_int8", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_numeric", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_float4"
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s::INTEGER AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s::INTEGER ORDER BY reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq

-- fold: forget (2 keys)
DELETE FROM reverse_etl.snapshot_0a1b2c3d4e5f WHERE (reverse_etl.snapshot_0a1b2c3d4e5f."id", reverse_etl.snapshot_0a1b2c3d4e5f."part") IN (SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part"
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s::INTEGER AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s::INTEGER)

-- fold: confirm (2 keys)
INSERT INTO reverse_etl.snapshot_0a1b2c3d4e5f ("id", "part", _diff_hash, _diff_marks) SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part", reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_hash, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s::INTEGER AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s::INTEGER AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op != 'R'

-- taint (2 keys)
INSERT INTO reverse_etl.snapshot_0a1b2c3d4e5f ("id", "part", _diff_hash, _diff_marks) SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part", CAST(NULL AS uuid) AS _diff_hash, CASE WHEN (reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op = 'R') THEN 'removed' ELSE CAST(NULL AS VARCHAR) END AS _diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s::INTEGER AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s::INTEGER

-- expected (2 keys)
SELECT e."id", e."part", e._diff_hash, e._diff_marks
FROM (SELECT n."id" AS "id", n."part" AS "part", n._diff_hash AS _diff_hash, n._diff_marks AS _diff_marks
FROM (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS n LEFT OUTER JOIN (SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id" AS "id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part" AS "part"
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s::INTEGER AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s::INTEGER) AS l ON n."id" = l."id" AND n."part" = l."part"
WHERE l."id" IS NULL UNION ALL SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id" AS "id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part" AS "part", reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_hash AS _diff_hash, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_marks AS _diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_3)s::INTEGER AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_4)s::INTEGER AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op != 'R') AS e

-- copied: stage (2 keys)
SELECT CAST(q."id" AS VARCHAR) AS k0, CAST(q."part" AS VARCHAR) AS k1, CAST(CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_int8" AS VARCHAR), '~'), COALESCE(CAST(q."a_numeric" AS VARCHAR), '~'), COALESCE(CAST(q."a_float4" AS VARCHAR), '~'))) AS uuid) AS VARCHAR) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q

-- copied: rows of keys (2 keys)
SELECT CAST(q."id" AS VARCHAR) AS k0, CAST(q."part" AS VARCHAR) AS k1, CAST(CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_int8" AS VARCHAR), '~'), COALESCE(CAST(q."a_numeric" AS VARCHAR), '~'), COALESCE(CAST(q."a_float4" AS VARCHAR), '~'))) AS uuid) AS VARCHAR) AS _diff_hash, concat_ws('|', '2fa3', SUBSTR(MD5(COALESCE(CAST(q."a_int8" AS VARCHAR), '~')), 1, 3), SUBSTR(MD5(COALESCE(CAST(q."a_numeric" AS VARCHAR), '~')), 1, 3), SUBSTR(MD5(COALESCE(CAST(q."a_float4" AS VARCHAR), '~')), 1, 3)) AS _diff_marks, q."id" AS "id", q."part" AS "part", q."a_int8" AS "a_int8", q."a_numeric" AS "a_numeric", q."a_float4" AS "a_float4"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q JOIN (SELECT key ->> 0 AS k0, key ->> 1 AS k1 FROM json_array_elements(CAST(%(wanted_keys)s::VARCHAR AS json)) AS key) AS w ON CAST(q."id" AS VARCHAR) = w.k0 AND CAST(q."part" AS VARCHAR) = w.k1

-- stage of all types
CREATE TABLE stage AS SELECT q."id" AS "id", CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_int8" AS VARCHAR), '~'), COALESCE(CAST(q."a_numeric" AS VARCHAR), '~'), COALESCE(CAST(q."a_float4" AS VARCHAR), '~'), COALESCE(CAST(q."a_bool" AS VARCHAR), '~'), COALESCE(CAST(octet_length(CAST(q."a_text" AS VARCHAR)) AS VARCHAR) || ':' || CAST(q."a_text" AS VARCHAR), '~'), COALESCE(CAST(octet_length(CAST(CAST(q."a_uuid" AS text) AS VARCHAR)) AS VARCHAR) || ':' || CAST(CAST(q."a_uuid" AS text) AS VARCHAR), '~'), COALESCE(CAST(octet_length(CAST(translate(encode(q."a_bytea", 'base64'), E'\n', '') AS VARCHAR)) AS VARCHAR) || ':' || CAST(translate(encode(q."a_bytea", 'base64'), E'\n', '') AS VARCHAR), '~'), COALESCE(CAST(octet_length(CAST(CAST(q."a_json" AS text) AS VARCHAR)) AS VARCHAR) || ':' || CAST(CAST(q."a_json" AS text) AS VARCHAR), '~'), COALESCE(CAST(CAST(q."a_date" AS text) AS VARCHAR), '~'), COALESCE(CAST(CAST(q."a_timestamp" AS text) AS VARCHAR), '~'), COALESCE(CAST(CAST(q."a_timestamptz" AS text) AS VARCHAR), '~'), COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR), '~'), COALESCE(CAST(octet_length(CAST(CAST(to_json(q."a_integer_") AS text) AS VARCHAR)) AS VARCHAR) || ':' || CAST(CAST(to_json(q."a_integer_") AS text) AS VARCHAR), '~'), COALESCE(CAST(octet_length(CAST(CAST(to_json(q."a_pair") AS text) AS VARCHAR)) AS VARCHAR) || ':' || CAST(CAST(to_json(q."a_pair") AS text) AS VARCHAR), '~'), COALESCE(CAST(octet_length(CAST(CAST(q."a_interval" AS text) AS VARCHAR)) AS VARCHAR) || ':' || CAST(CAST(q."a_interval" AS text) AS VARCHAR), '~'))) AS uuid) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q

-- syncs: create
CREATE TABLE IF NOT EXISTS reverse_etl.syncs (
	sync_id VARCHAR(200) NOT NULL,
	stream VARCHAR(200) NOT NULL,
	slice VARCHAR(40) NOT NULL,
	tables VARCHAR(12) NOT NULL,
	tokens VARCHAR(2000) NOT NULL,
	salt VARCHAR(40),
	epoch BIGINT NOT NULL,
	lease_owner VARCHAR(200),
	lease_until DOUBLE PRECISION,
	plan_table VARCHAR(63),
	plan_id VARCHAR(40),
	plan_salt VARCHAR(40),
	plan_rows BIGINT,
	plan_removals BIGINT,
	emitted_hi BIGINT,
	folded_seq BIGINT,
	updated_at DOUBLE PRECISION,
	PRIMARY KEY (sync_id, stream, slice)
)

-- syncs: insert
INSERT INTO reverse_etl.syncs (sync_id, stream, slice, tables, tokens, epoch) VALUES (%(sync_id)s::VARCHAR, %(stream)s::VARCHAR, %(slice)s::VARCHAR, %(tables)s::VARCHAR, %(tokens)s::VARCHAR, %(epoch)s::BIGINT)

-- syncs: update
UPDATE reverse_etl.syncs SET epoch=%(epoch)s::BIGINT, lease_owner=%(lease_owner)s::VARCHAR, lease_until=%(lease_until)s, plan_id=%(plan_id)s::VARCHAR WHERE reverse_etl.syncs.sync_id = %(sync_id_1)s::VARCHAR AND reverse_etl.syncs.stream = %(stream_1)s::VARCHAR AND reverse_etl.syncs.slice = %(slice_1)s::VARCHAR AND reverse_etl.syncs.epoch = %(epoch_1)s::BIGINT

-- syncs: select
SELECT reverse_etl.syncs.sync_id, reverse_etl.syncs.stream, reverse_etl.syncs.slice, reverse_etl.syncs.tables, reverse_etl.syncs.tokens, reverse_etl.syncs.salt, reverse_etl.syncs.epoch, reverse_etl.syncs.lease_owner, reverse_etl.syncs.lease_until, reverse_etl.syncs.plan_table, reverse_etl.syncs.plan_id, reverse_etl.syncs.plan_salt, reverse_etl.syncs.plan_rows, reverse_etl.syncs.plan_removals, reverse_etl.syncs.emitted_hi, reverse_etl.syncs.folded_seq, reverse_etl.syncs.updated_at
FROM reverse_etl.syncs
WHERE reverse_etl.syncs.sync_id = %(sync_id_1)s::VARCHAR AND reverse_etl.syncs.stream = %(stream_1)s::VARCHAR
