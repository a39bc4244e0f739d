-- pins
SET timezone TO 'UTC';
SET datestyle TO 'ISO, YMD';
SET extra_float_digits TO 2

-- read: all
SELECT q."a_numeric_9_0_" AS "a_numeric_9_0_", q."a_numeric_9_2_" AS "a_numeric_9_2_", q."a_boolean" AS "a_boolean", q."a_bigint" AS "a_bigint", q."a_real" AS "a_real", q."a_double_precision" AS "a_double_precision", q."a_varchar" AS "a_varchar", CAST(q."a_char" AS VARCHAR(65535)) AS "a_char", CASE WHEN q."a_date" BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN TO_CHAR(q."a_date", 'YYYY-MM-DD') WHEN q."a_date" IS NOT NULL THEN '@out-of-range@' END AS "a_date", CASE WHEN q."a_timestamp" BETWEEN TIMESTAMP '0001-01-01 00:00:00' AND TIMESTAMP '9999-12-31 23:59:59.999999' THEN TO_CHAR(q."a_timestamp", 'YYYY-MM-DD') || 'T' || TO_CHAR(q."a_timestamp", 'HH24:MI:SS.US') || '+00:00' WHEN q."a_timestamp" IS NOT NULL THEN '@out-of-range@' END AS "a_timestamp", CASE WHEN q."a_timestamptz" BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' THEN TO_CHAR((q."a_timestamptz" AT TIME ZONE 'UTC'), 'YYYY-MM-DD') || 'T' || TO_CHAR((q."a_timestamptz" AT TIME ZONE 'UTC'), 'HH24:MI:SS.US') || '+00:00' WHEN q."a_timestamptz" IS NOT NULL THEN '@out-of-range@' END AS "a_timestamptz", JSON_SERIALIZE(q."a_super") AS "a_super", FROM_VARBYTE(q."a_varbyte", 'base64') AS "a_varbyte", ST_AsText(q."a_geometry") AS "a_geometry", ST_AsText(q."a_geography") AS "a_geography", CAST(q."a_oid_1083" AS VARCHAR(65535)) AS "a_oid_1083", CAST(q."a_unknown" AS VARCHAR(65535)) AS "a_unknown"
FROM (SELECT * FROM "marts"."odd.name"
) AS q

-- read: from a bookmark, numeric(9,0)
SELECT q."a_numeric_9_0_" AS "a_numeric_9_0_"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_numeric_9_0_" >= CAST(%(tap_bookmark)s AS DECIMAL(38,0))
ORDER BY q."a_numeric_9_0_" NULLS FIRST, q."id"

-- read: from a bookmark, bigint
SELECT q."a_bigint" AS "a_bigint"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_bigint" >= CAST(%(tap_bookmark)s AS BIGINT)
ORDER BY q."a_bigint" NULLS FIRST, q."id"

-- read: from a bookmark, varchar
SELECT q."a_varchar" AS "a_varchar"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_varchar" >= CAST(%(tap_bookmark)s AS VARCHAR(65535))
ORDER BY q."a_varchar" NULLS FIRST, q."id"

-- read: from a bookmark, char
SELECT CAST(q."a_char" AS VARCHAR(65535)) AS "a_char"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_char" >= CAST(%(tap_bookmark)s AS VARCHAR(65535))
ORDER BY q."a_char" NULLS FIRST, q."id"

-- read: from a bookmark, date
SELECT CASE WHEN q."a_date" BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN TO_CHAR(q."a_date", 'YYYY-MM-DD') WHEN q."a_date" IS NOT NULL THEN '@out-of-range@' END AS "a_date"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_date" >= CAST(%(tap_bookmark)s AS DATE)
ORDER BY q."a_date" NULLS FIRST, q."id"

-- read: from a bookmark, timestamp
SELECT CASE WHEN q."a_timestamp" BETWEEN TIMESTAMP '0001-01-01 00:00:00' AND TIMESTAMP '9999-12-31 23:59:59.999999' THEN TO_CHAR(q."a_timestamp", 'YYYY-MM-DD') || 'T' || TO_CHAR(q."a_timestamp", 'HH24:MI:SS.US') || '+00:00' WHEN q."a_timestamp" IS NOT NULL THEN '@out-of-range@' END AS "a_timestamp"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_timestamp" >= CAST(%(tap_bookmark)s AS TIMESTAMP)
ORDER BY q."a_timestamp" NULLS FIRST, q."id"

-- read: from a bookmark, timestamptz
SELECT CASE WHEN q."a_timestamptz" BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' THEN TO_CHAR((q."a_timestamptz" AT TIME ZONE 'UTC'), 'YYYY-MM-DD') || 'T' || TO_CHAR((q."a_timestamptz" AT TIME ZONE 'UTC'), 'HH24:MI:SS.US') || '+00:00' WHEN q."a_timestamptz" IS NOT NULL THEN '@out-of-range@' END AS "a_timestamptz"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_timestamptz" >= CAST(%(tap_bookmark)s AS TIMESTAMPTZ)
ORDER BY q."a_timestamptz" NULLS FIRST, q."id"

-- snapshot (1 key)
CREATE TABLE reverse_etl.snapshot_0a1b2c3d4e5f AS SELECT t."id", t._diff_hash, CAST(NULL AS VARCHAR(65535)) AS _diff_marks
FROM (SELECT q."id" AS "id", MD5('0123456789abcdef' || '|' || MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~'))) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q) AS t
WHERE 1 = 0

-- stage (1 key)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q."id" AS "id", MD5('0123456789abcdef' || '|' || MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~'))) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q

-- stage: a slice, first of each key (1 key)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q."id" AS "id", MD5('0123456789abcdef' || '|' || MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~'))) AS _diff_hash
FROM (SELECT q.*, row_number() OVER (PARTITION BY q."id" ORDER BY MD5('0123456789abcdef' || '|' || MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~')))) AS _diff_copy
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."id" IS NOT NULL) AS q
WHERE q._diff_copy = 1 AND MOD(STRTOL(SUBSTRING(MD5(COALESCE(CAST(q."id" AS VARCHAR(65535)), '~')), 1, 8), 16), 4) = 1

-- changes (1 key)
CREATE TABLE reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS SELECT CASE WHEN (b."id" IS NULL) THEN 'A' ELSE 'C' END AS _diff_op, t."id", t._diff_hash
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS t LEFT OUTER JOIN (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS b ON t."id" = b."id"
WHERE b."id" IS NULL OR b._diff_hash IS NULL OR b._diff_hash != t._diff_hash UNION ALL SELECT 'R' AS _diff_op, g."id", CAST(NULL AS VARCHAR(32)) AS _diff_hash
FROM (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS g LEFT OUTER JOIN reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS u ON g."id" = u."id"
WHERE u."id" IS NULL

-- changes: a slice (1 key)
CREATE TABLE reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS SELECT CASE WHEN (b."id" IS NULL) THEN 'A' ELSE 'C' END AS _diff_op, t."id", t._diff_hash
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS t LEFT OUTER JOIN (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s
WHERE MOD(STRTOL(SUBSTRING(MD5(COALESCE(CAST(s."id" AS VARCHAR(65535)), '~')), 1, 8), 16), 4) = 1) AS b ON t."id" = b."id"
WHERE b."id" IS NULL OR b._diff_hash IS NULL OR b._diff_hash != t._diff_hash UNION ALL SELECT 'R' AS _diff_op, g."id", CAST(NULL AS VARCHAR(32)) AS _diff_hash
FROM (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s
WHERE MOD(STRTOL(SUBSTRING(MD5(COALESCE(CAST(s."id" AS VARCHAR(65535)), '~')), 1, 8), 16), 4) = 1) AS g LEFT OUTER JOIN reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS u ON g."id" = u."id"
WHERE u."id" IS NULL

-- counts (1 key)
SELECT coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'A') THEN %(param_1)s ELSE %(param_2)s END), %(coalesce_2)s) AS coalesce_1, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'C') THEN %(param_3)s ELSE %(param_4)s END), %(coalesce_4)s) AS coalesce_3, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'R') THEN %(param_5)s ELSE %(param_6)s END), %(coalesce_6)s) AS coalesce_5, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'A' AND reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id" IS NULL) THEN %(param_7)s ELSE %(param_8)s END), %(coalesce_8)s) AS coalesce_7
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7

-- repeated (1 key)
SELECT count(*) AS count_1, coalesce(sum(r.n), %(coalesce_2)s) AS coalesce_1
FROM (SELECT count(*) AS n
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id" IS NOT NULL GROUP BY reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id"
HAVING count(*) > 1) AS r

-- nulls (1 key)
SELECT coalesce(sum(CASE WHEN (reverse_etl.stage_0a1b2c3d4e5f_0of1_7."id" IS NULL) THEN %(param_1)s ELSE %(param_2)s END), %(coalesce_2)s) AS coalesce_1
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7

-- rows (1 key)
SELECT count(*) AS count_1
FROM (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS k

-- plan (1 key)
CREATE TABLE reverse_etl.plan_0a1b2c3d4e5f_0of1_7 AS SELECT CAST(row_number() OVER (ORDER BY c."id") AS BIGINT) AS _diff_seq, c._diff_op, q."id" AS "id", q."a_numeric_9_0_" AS "a_numeric_9_0_", q."a_numeric_9_2_" AS "a_numeric_9_2_", q."a_boolean" AS "a_boolean", MD5('0123456789abcdef' || '|' || MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~'))) AS _diff_hash, '3703' || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~')), 1, 3) AS _diff_marks
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q JOIN reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS c ON q."id" = c."id"
WHERE c._diff_op IN ('A', 'C')

-- removals (1 key)
INSERT INTO reverse_etl.plan_0a1b2c3d4e5f_0of1_7 (_diff_seq, _diff_op, "id") SELECT CAST(row_number() OVER (ORDER BY reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id") + 17 AS BIGINT) AS _diff_seq, reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op, reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id"
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'R'

-- changed columns (1 key)
SELECT coalesce(sum(CASE WHEN (substr(p._diff_marks, 6, 3) != substr(o._diff_marks, 6, 3)) THEN %(param_1)s ELSE %(param_2)s END), %(coalesce_2)s) AS coalesce_1, coalesce(sum(CASE WHEN (substr(p._diff_marks, 10, 3) != substr(o._diff_marks, 10, 3)) THEN %(param_3)s ELSE %(param_4)s END), %(coalesce_4)s) AS coalesce_3
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7 AS p JOIN (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS o ON p."id" = o."id"
WHERE p._diff_op = 'C' AND substr(p._diff_marks, 1, 4) = substr(o._diff_marks, 1, 4)

-- page (1 key)
SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op, reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_numeric_9_0_", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_numeric_9_2_", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_boolean"
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s ORDER BY reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq

-- fold: forget (1 key)
DELETE FROM reverse_etl.snapshot_0a1b2c3d4e5f WHERE reverse_etl.snapshot_0a1b2c3d4e5f."id" IN (SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id"
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s)

-- fold: confirm (1 key)
INSERT INTO reverse_etl.snapshot_0a1b2c3d4e5f ("id", _diff_hash, _diff_marks) SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_hash, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op != 'R'

-- taint (1 key)
INSERT INTO reverse_etl.snapshot_0a1b2c3d4e5f ("id", _diff_hash, _diff_marks) SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", CAST(NULL AS VARCHAR(32)) AS _diff_hash, CASE WHEN (reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op = 'R') THEN 'removed' ELSE CAST(NULL AS VARCHAR(65535)) END AS _diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s

-- expected (1 key)
SELECT e."id", e._diff_hash, e._diff_marks
FROM (SELECT n."id" AS "id", n._diff_hash AS _diff_hash, n._diff_marks AS _diff_marks
FROM (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS n LEFT OUTER JOIN (SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id" AS "id"
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s) AS l ON n."id" = l."id"
WHERE l."id" IS NULL UNION ALL SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id" AS "id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_hash AS _diff_hash, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_marks AS _diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_3)s AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_4)s AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op != 'R') AS e

-- copied: stage (1 key)
SELECT CAST(q."id" AS VARCHAR(65535)) AS k0, CAST(MD5('0123456789abcdef' || '|' || MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~'))) AS VARCHAR(65535)) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q

-- copied: rows of keys (1 key)
SELECT CAST(q."id" AS VARCHAR(65535)) AS k0, CAST(MD5('0123456789abcdef' || '|' || MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~'))) AS VARCHAR(65535)) AS _diff_hash, '3703' || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~')), 1, 3) AS _diff_marks, q."id" AS "id", q."a_numeric_9_0_" AS "a_numeric_9_0_", q."a_numeric_9_2_" AS "a_numeric_9_2_", q."a_boolean" AS "a_boolean"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q

-- snapshot (2 keys)
CREATE TABLE reverse_etl.snapshot_0a1b2c3d4e5f AS SELECT t."id", t."part", t._diff_hash, CAST(NULL AS VARCHAR(65535)) AS _diff_marks
FROM (SELECT q."id" AS "id", q."part" AS "part", MD5('0123456789abcdef' || '|' || MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~'))) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q) AS t
WHERE 1 = 0

-- stage (2 keys)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q."id" AS "id", q."part" AS "part", MD5('0123456789abcdef' || '|' || MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~'))) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q

-- stage: a slice, first of each key (2 keys)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q."id" AS "id", q."part" AS "part", MD5('0123456789abcdef' || '|' || MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~'))) AS _diff_hash
FROM (SELECT q.*, row_number() OVER (PARTITION BY q."id", q."part" ORDER BY MD5('0123456789abcdef' || '|' || MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~')))) AS _diff_copy
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."id" IS NOT NULL AND q."part" IS NOT NULL) AS q
WHERE q._diff_copy = 1 AND MOD(STRTOL(SUBSTRING(MD5(COALESCE(CAST(q."id" AS VARCHAR(65535)), '~') || '|' || COALESCE(CAST(q."part" AS VARCHAR(65535)), '~')), 1, 8), 16), 4) = 1

-- changes (2 keys)
CREATE TABLE reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS SELECT CASE WHEN (b."id" IS NULL) THEN 'A' ELSE 'C' END AS _diff_op, t."id", t."part", t._diff_hash
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS t LEFT OUTER JOIN (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS b ON t."id" = b."id" AND t."part" = b."part"
WHERE b."id" IS NULL OR b._diff_hash IS NULL OR b._diff_hash != t._diff_hash UNION ALL SELECT 'R' AS _diff_op, g."id", g."part", CAST(NULL AS VARCHAR(32)) AS _diff_hash
FROM (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS g LEFT OUTER JOIN reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS u ON g."id" = u."id" AND g."part" = u."part"
WHERE u."id" IS NULL

-- changes: a slice (2 keys)
CREATE TABLE reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS SELECT CASE WHEN (b."id" IS NULL) THEN 'A' ELSE 'C' END AS _diff_op, t."id", t."part", t._diff_hash
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS t LEFT OUTER JOIN (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s
WHERE MOD(STRTOL(SUBSTRING(MD5(COALESCE(CAST(s."id" AS VARCHAR(65535)), '~') || '|' || COALESCE(CAST(s."part" AS VARCHAR(65535)), '~')), 1, 8), 16), 4) = 1) AS b ON t."id" = b."id" AND t."part" = b."part"
WHERE b."id" IS NULL OR b._diff_hash IS NULL OR b._diff_hash != t._diff_hash UNION ALL SELECT 'R' AS _diff_op, g."id", g."part", CAST(NULL AS VARCHAR(32)) AS _diff_hash
FROM (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s
WHERE MOD(STRTOL(SUBSTRING(MD5(COALESCE(CAST(s."id" AS VARCHAR(65535)), '~') || '|' || COALESCE(CAST(s."part" AS VARCHAR(65535)), '~')), 1, 8), 16), 4) = 1) AS g LEFT OUTER JOIN reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS u ON g."id" = u."id" AND g."part" = u."part"
WHERE u."id" IS NULL

-- counts (2 keys)
SELECT coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'A') THEN %(param_1)s ELSE %(param_2)s END), %(coalesce_2)s) AS coalesce_1, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'C') THEN %(param_3)s ELSE %(param_4)s END), %(coalesce_4)s) AS coalesce_3, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'R') THEN %(param_5)s ELSE %(param_6)s END), %(coalesce_6)s) AS coalesce_5, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'A' AND (reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id" IS NULL OR reverse_etl.changes_0a1b2c3d4e5f_0of1_7."part" IS NULL)) THEN %(param_7)s ELSE %(param_8)s END), %(coalesce_8)s) AS coalesce_7
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7

-- repeated (2 keys)
SELECT count(*) AS count_1, coalesce(sum(r.n), %(coalesce_2)s) AS coalesce_1
FROM (SELECT count(*) AS n
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id" IS NOT NULL AND reverse_etl.changes_0a1b2c3d4e5f_0of1_7."part" IS NOT NULL GROUP BY reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id", reverse_etl.changes_0a1b2c3d4e5f_0of1_7."part"
HAVING count(*) > 1) AS r

-- nulls (2 keys)
SELECT coalesce(sum(CASE WHEN (reverse_etl.stage_0a1b2c3d4e5f_0of1_7."id" IS NULL) THEN %(param_1)s ELSE %(param_2)s END), %(coalesce_2)s) AS coalesce_1, coalesce(sum(CASE WHEN (reverse_etl.stage_0a1b2c3d4e5f_0of1_7."part" IS NULL) THEN %(param_3)s ELSE %(param_4)s END), %(coalesce_4)s) AS coalesce_3
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7

-- rows (2 keys)
SELECT count(*) AS count_1
FROM (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS k

-- plan (2 keys)
CREATE TABLE reverse_etl.plan_0a1b2c3d4e5f_0of1_7 AS SELECT CAST(row_number() OVER (ORDER BY c."id", c."part") AS BIGINT) AS _diff_seq, c._diff_op, q."id" AS "id", q."part" AS "part", q."a_numeric_9_0_" AS "a_numeric_9_0_", q."a_numeric_9_2_" AS "a_numeric_9_2_", q."a_boolean" AS "a_boolean", MD5('0123456789abcdef' || '|' || MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~'))) AS _diff_hash, '3703' || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~')), 1, 3) AS _diff_marks
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q JOIN reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS c ON q."id" = c."id" AND q."part" = c."part"
WHERE c._diff_op IN ('A', 'C')

-- removals (2 keys)
INSERT INTO reverse_etl.plan_0a1b2c3d4e5f_0of1_7 (_diff_seq, _diff_op, "id", "part") SELECT CAST(row_number() OVER (ORDER BY reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id", reverse_etl.changes_0a1b2c3d4e5f_0of1_7."part") + 17 AS BIGINT) AS _diff_seq, reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op, reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id", reverse_etl.changes_0a1b2c3d4e5f_0of1_7."part"
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'R'

-- changed columns (2 keys)
SELECT coalesce(sum(CASE WHEN (substr(p._diff_marks, 6, 3) != substr(o._diff_marks, 6, 3)) THEN %(param_1)s ELSE %(param_2)s END), %(coalesce_2)s) AS coalesce_1, coalesce(sum(CASE WHEN (substr(p._diff_marks, 10, 3) != substr(o._diff_marks, 10, 3)) THEN %(param_3)s ELSE %(param_4)s END), %(coalesce_4)s) AS coalesce_3
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7 AS p JOIN (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS o ON p."id" = o."id" AND p."part" = o."part"
WHERE p._diff_op = 'C' AND substr(p._diff_marks, 1, 4) = substr(o._diff_marks, 1, 4)

-- page (2 keys)
SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op, reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_numeric_9_0_", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_numeric_9_2_", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_boolean"
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s ORDER BY reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq

-- fold: forget (2 keys)
DELETE FROM reverse_etl.snapshot_0a1b2c3d4e5f WHERE (reverse_etl.snapshot_0a1b2c3d4e5f."id", reverse_etl.snapshot_0a1b2c3d4e5f."part") IN (SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part"
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s)

-- fold: confirm (2 keys)
INSERT INTO reverse_etl.snapshot_0a1b2c3d4e5f ("id", "part", _diff_hash, _diff_marks) SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part", reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_hash, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op != 'R'

-- taint (2 keys)
INSERT INTO reverse_etl.snapshot_0a1b2c3d4e5f ("id", "part", _diff_hash, _diff_marks) SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part", CAST(NULL AS VARCHAR(32)) AS _diff_hash, CASE WHEN (reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op = 'R') THEN 'removed' ELSE CAST(NULL AS VARCHAR(65535)) END AS _diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s

-- expected (2 keys)
SELECT e."id", e."part", e._diff_hash, e._diff_marks
FROM (SELECT n."id" AS "id", n."part" AS "part", n._diff_hash AS _diff_hash, n._diff_marks AS _diff_marks
FROM (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS n LEFT OUTER JOIN (SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id" AS "id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part" AS "part"
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_1)s AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_2)s) AS l ON n."id" = l."id" AND n."part" = l."part"
WHERE l."id" IS NULL UNION ALL SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id" AS "id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part" AS "part", reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_hash AS _diff_hash, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_marks AS _diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > %(diff_seq_3)s AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= %(diff_seq_4)s AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op != 'R') AS e

-- copied: stage (2 keys)
SELECT CAST(q."id" AS VARCHAR(65535)) AS k0, CAST(q."part" AS VARCHAR(65535)) AS k1, CAST(MD5('0123456789abcdef' || '|' || MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~'))) AS VARCHAR(65535)) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q

-- copied: rows of keys (2 keys)
SELECT CAST(q."id" AS VARCHAR(65535)) AS k0, CAST(q."part" AS VARCHAR(65535)) AS k1, CAST(MD5('0123456789abcdef' || '|' || MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~'))) AS VARCHAR(65535)) AS _diff_hash, '3703' || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~')), 1, 3) AS _diff_marks, q."id" AS "id", q."part" AS "part", q."a_numeric_9_0_" AS "a_numeric_9_0_", q."a_numeric_9_2_" AS "a_numeric_9_2_", q."a_boolean" AS "a_boolean"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q

-- stage of all types
CREATE TABLE stage AS SELECT q."id" AS "id", MD5('0123456789abcdef' || '|' || MD5(COALESCE(CAST(q."a_numeric_9_0_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_numeric_9_2_" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_boolean" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_bigint" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_real" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(q."a_double_precision" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(OCTET_LENGTH(CAST(q."a_varchar" AS VARCHAR(65535))) AS VARCHAR(65535)) || ':' || CAST(q."a_varchar" AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(OCTET_LENGTH(CAST(CAST(q."a_char" AS VARCHAR(65535)) AS VARCHAR(65535))) AS VARCHAR(65535)) || ':' || CAST(CAST(q."a_char" AS VARCHAR(65535)) AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(CASE WHEN q."a_date" BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN TO_CHAR(q."a_date", 'YYYY-MM-DD') WHEN q."a_date" IS NOT NULL THEN '@out-of-range@' END AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(CASE WHEN q."a_timestamp" BETWEEN TIMESTAMP '0001-01-01 00:00:00' AND TIMESTAMP '9999-12-31 23:59:59.999999' THEN TO_CHAR(q."a_timestamp", 'YYYY-MM-DD') || 'T' || TO_CHAR(q."a_timestamp", 'HH24:MI:SS.US') || '+00:00' WHEN q."a_timestamp" IS NOT NULL THEN '@out-of-range@' END AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(CASE WHEN q."a_timestamptz" BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' THEN TO_CHAR((q."a_timestamptz" AT TIME ZONE 'UTC'), 'YYYY-MM-DD') || 'T' || TO_CHAR((q."a_timestamptz" AT TIME ZONE 'UTC'), 'HH24:MI:SS.US') || '+00:00' WHEN q."a_timestamptz" IS NOT NULL THEN '@out-of-range@' END AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(OCTET_LENGTH(CAST(JSON_SERIALIZE(q."a_super") AS VARCHAR(65535))) AS VARCHAR(65535)) || ':' || CAST(JSON_SERIALIZE(q."a_super") AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(OCTET_LENGTH(CAST(FROM_VARBYTE(q."a_varbyte", 'base64') AS VARCHAR(65535))) AS VARCHAR(65535)) || ':' || CAST(FROM_VARBYTE(q."a_varbyte", 'base64') AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(OCTET_LENGTH(CAST(ST_AsText(q."a_geometry") AS VARCHAR(65535))) AS VARCHAR(65535)) || ':' || CAST(ST_AsText(q."a_geometry") AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(OCTET_LENGTH(CAST(ST_AsText(q."a_geography") AS VARCHAR(65535))) AS VARCHAR(65535)) || ':' || CAST(ST_AsText(q."a_geography") AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(OCTET_LENGTH(CAST(CAST(q."a_oid_1083" AS VARCHAR(65535)) AS VARCHAR(65535))) AS VARCHAR(65535)) || ':' || CAST(CAST(q."a_oid_1083" AS VARCHAR(65535)) AS VARCHAR(65535)), '~')) || '|' || MD5(COALESCE(CAST(OCTET_LENGTH(CAST(CAST(q."a_unknown" AS VARCHAR(65535)) AS VARCHAR(65535))) AS VARCHAR(65535)) || ':' || CAST(CAST(q."a_unknown" AS VARCHAR(65535)) AS VARCHAR(65535)), '~'))) AS _diff_hash
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
INSERT INTO reverse_etl.syncs (sync_id, stream, slice, tables, tokens, epoch) VALUES (%(sync_id)s, %(stream)s, %(slice)s, %(tables)s, %(tokens)s, %(epoch)s)

-- syncs: update
UPDATE reverse_etl.syncs SET epoch=%(epoch)s, lease_owner=%(lease_owner)s, lease_until=%(lease_until)s, plan_id=%(plan_id)s WHERE reverse_etl.syncs.sync_id = %(sync_id_1)s AND reverse_etl.syncs.stream = %(stream_1)s AND reverse_etl.syncs.slice = %(slice_1)s AND reverse_etl.syncs.epoch = %(epoch_1)s

-- syncs: select
SELECT reverse_etl.syncs.sync_id, reverse_etl.syncs.stream, reverse_etl.syncs.slice, reverse_etl.syncs.tables, reverse_etl.syncs.tokens, reverse_etl.syncs.salt, reverse_etl.syncs.epoch, reverse_etl.syncs.lease_owner, reverse_etl.syncs.lease_until, reverse_etl.syncs.plan_table, reverse_etl.syncs.plan_id, reverse_etl.syncs.plan_salt, reverse_etl.syncs.plan_rows, reverse_etl.syncs.plan_removals, reverse_etl.syncs.emitted_hi, reverse_etl.syncs.folded_seq, reverse_etl.syncs.updated_at
FROM reverse_etl.syncs
WHERE reverse_etl.syncs.sync_id = %(sync_id_1)s AND reverse_etl.syncs.stream = %(stream_1)s
