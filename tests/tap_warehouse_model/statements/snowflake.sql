-- pins
ALTER SESSION SET TIMEZONE = 'UTC';
ALTER SESSION SET TIME_OUTPUT_FORMAT = 'HH24:MI:SS.FF6';
ALTER SESSION SET ABORT_DETACHED_QUERY = TRUE

-- read: all
SELECT q."a_NUMBER_38_0_" AS "a_NUMBER_38_0_", q."a_NUMBER_9_2_" AS "a_NUMBER_9_2_", q."a_FLOAT" AS "a_FLOAT", q."a_BOOLEAN" AS "a_BOOLEAN", q."a_VARCHAR" AS "a_VARCHAR", CASE WHEN q."a_DATE" BETWEEN CAST('0001-01-01' AS DATE) AND CAST('9999-12-31' AS DATE) THEN TO_CHAR(CAST(q."a_DATE" AS DATE), 'YYYY-MM-DD') WHEN q."a_DATE" IS NOT NULL THEN '@out-of-range@' END AS "a_DATE", CAST(q."a_TIME" AS VARCHAR) AS "a_TIME", CASE WHEN q."a_TIMESTAMP_NTZ" BETWEEN CAST('0001-01-01T00:00:00' AS TIMESTAMP_NTZ) AND CAST('9999-12-31T23:59:59.999999' AS TIMESTAMP_NTZ) THEN TO_CHAR(CAST(q."a_TIMESTAMP_NTZ" AS TIMESTAMP_NTZ), 'YYYY-MM-DD"T"HH24:MI:SS.FF6') || '+00:00' WHEN q."a_TIMESTAMP_NTZ" IS NOT NULL THEN '@out-of-range@' END AS "a_TIMESTAMP_NTZ", CASE WHEN q."a_TIMESTAMP_LTZ" BETWEEN CAST('0001-01-01T00:00:00+00:00' AS TIMESTAMP_LTZ) AND CAST('9999-12-31T23:59:59.999999+00:00' AS TIMESTAMP_LTZ) THEN TO_CHAR(CAST(CONVERT_TIMEZONE('UTC', q."a_TIMESTAMP_LTZ") AS TIMESTAMP_NTZ), 'YYYY-MM-DD"T"HH24:MI:SS.FF6') || '+00:00' WHEN q."a_TIMESTAMP_LTZ" IS NOT NULL THEN '@out-of-range@' END AS "a_TIMESTAMP_LTZ", CASE WHEN q."a_TIMESTAMP_TZ" BETWEEN CAST('0001-01-01T00:00:00+00:00' AS TIMESTAMP_TZ) AND CAST('9999-12-31T23:59:59.999999+00:00' AS TIMESTAMP_TZ) THEN TO_CHAR(CAST(CONVERT_TIMEZONE('UTC', q."a_TIMESTAMP_TZ") AS TIMESTAMP_NTZ), 'YYYY-MM-DD"T"HH24:MI:SS.FF6') || '+00:00' WHEN q."a_TIMESTAMP_TZ" IS NOT NULL THEN '@out-of-range@' END AS "a_TIMESTAMP_TZ", TO_JSON(q."a_VARIANT") AS "a_VARIANT", TO_JSON(q."a_OBJECT") AS "a_OBJECT", TO_JSON(q."a_ARRAY") AS "a_ARRAY", TO_JSON(CAST(q."a_MAP" AS VARIANT)) AS "a_MAP", TO_JSON(CAST(q."a_VECTOR" AS ARRAY)) AS "a_VECTOR", BASE64_ENCODE(q."a_BINARY") AS "a_BINARY", ST_ASWKT(q."a_GEOGRAPHY") AS "a_GEOGRAPHY", ST_ASWKT(q."a_GEOMETRY") AS "a_GEOMETRY", CAST(q."a_other" AS VARCHAR) AS "a_other"
FROM (SELECT * FROM "MARTS"."odd.name"
) AS q

-- read: from a bookmark, NUMBER(38,0)
SELECT q."a_NUMBER_38_0_" AS "a_NUMBER_38_0_"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_NUMBER_38_0_" >= CAST(%(tap_bookmark)s AS NUMBER(38,0))
ORDER BY q."a_NUMBER_38_0_" NULLS FIRST, q."id"

-- read: from a bookmark, VARCHAR
SELECT q."a_VARCHAR" AS "a_VARCHAR"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_VARCHAR" >= CAST(%(tap_bookmark)s AS VARCHAR)
ORDER BY q."a_VARCHAR" NULLS FIRST, q."id"

-- read: from a bookmark, DATE
SELECT CASE WHEN q."a_DATE" BETWEEN CAST('0001-01-01' AS DATE) AND CAST('9999-12-31' AS DATE) THEN TO_CHAR(CAST(q."a_DATE" AS DATE), 'YYYY-MM-DD') WHEN q."a_DATE" IS NOT NULL THEN '@out-of-range@' END AS "a_DATE"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_DATE" >= CAST(%(tap_bookmark)s AS DATE)
ORDER BY q."a_DATE" NULLS FIRST, q."id"

-- read: from a bookmark, TIMESTAMP_NTZ
SELECT CASE WHEN q."a_TIMESTAMP_NTZ" BETWEEN CAST('0001-01-01T00:00:00' AS TIMESTAMP_NTZ) AND CAST('9999-12-31T23:59:59.999999' AS TIMESTAMP_NTZ) THEN TO_CHAR(CAST(q."a_TIMESTAMP_NTZ" AS TIMESTAMP_NTZ), 'YYYY-MM-DD"T"HH24:MI:SS.FF6') || '+00:00' WHEN q."a_TIMESTAMP_NTZ" IS NOT NULL THEN '@out-of-range@' END AS "a_TIMESTAMP_NTZ"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_TIMESTAMP_NTZ" >= CAST(%(tap_bookmark)s AS TIMESTAMP_NTZ)
ORDER BY q."a_TIMESTAMP_NTZ" NULLS FIRST, q."id"

-- read: from a bookmark, TIMESTAMP_LTZ
SELECT CASE WHEN q."a_TIMESTAMP_LTZ" BETWEEN CAST('0001-01-01T00:00:00+00:00' AS TIMESTAMP_LTZ) AND CAST('9999-12-31T23:59:59.999999+00:00' AS TIMESTAMP_LTZ) THEN TO_CHAR(CAST(CONVERT_TIMEZONE('UTC', q."a_TIMESTAMP_LTZ") AS TIMESTAMP_NTZ), 'YYYY-MM-DD"T"HH24:MI:SS.FF6') || '+00:00' WHEN q."a_TIMESTAMP_LTZ" IS NOT NULL THEN '@out-of-range@' END AS "a_TIMESTAMP_LTZ"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_TIMESTAMP_LTZ" >= CAST(%(tap_bookmark)s AS TIMESTAMP_LTZ)
ORDER BY q."a_TIMESTAMP_LTZ" NULLS FIRST, q."id"

-- read: from a bookmark, TIMESTAMP_TZ
SELECT CASE WHEN q."a_TIMESTAMP_TZ" BETWEEN CAST('0001-01-01T00:00:00+00:00' AS TIMESTAMP_TZ) AND CAST('9999-12-31T23:59:59.999999+00:00' AS TIMESTAMP_TZ) THEN TO_CHAR(CAST(CONVERT_TIMEZONE('UTC', q."a_TIMESTAMP_TZ") AS TIMESTAMP_NTZ), 'YYYY-MM-DD"T"HH24:MI:SS.FF6') || '+00:00' WHEN q."a_TIMESTAMP_TZ" IS NOT NULL THEN '@out-of-range@' END AS "a_TIMESTAMP_TZ"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."a_TIMESTAMP_TZ" >= CAST(%(tap_bookmark)s AS TIMESTAMP_TZ)
ORDER BY q."a_TIMESTAMP_TZ" NULLS FIRST, q."id"

-- snapshot (1 key)
CREATE TABLE reverse_etl.snapshot_0a1b2c3d4e5f AS SELECT t."id", t._diff_hash, CAST(NULL AS VARCHAR) AS _diff_marks
FROM (SELECT q."id" AS "id", MD5('0123456789abcdef' || '|' || COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~')) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q) AS t
WHERE 1 = 0

-- stage (1 key)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q."id" AS "id", MD5('0123456789abcdef' || '|' || COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~')) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q

-- stage: a slice, first of each key (1 key)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q."id" AS "id", MD5('0123456789abcdef' || '|' || COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~')) AS _diff_hash
FROM (SELECT q.*, row_number() OVER (PARTITION BY q."id" ORDER BY MD5('0123456789abcdef' || '|' || COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~'))) AS _diff_copy
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."id" IS NOT NULL) AS q
WHERE q._diff_copy = 1 AND MOD(((MD5_NUMBER_UPPER64(COALESCE(CAST(q."id" AS VARCHAR), '~')) - MOD(MD5_NUMBER_UPPER64(COALESCE(CAST(q."id" AS VARCHAR), '~')), 4294967296)) / 4294967296), 4) = 1

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
WHERE MOD(((MD5_NUMBER_UPPER64(COALESCE(CAST(s."id" AS VARCHAR), '~')) - MOD(MD5_NUMBER_UPPER64(COALESCE(CAST(s."id" AS VARCHAR), '~')), 4294967296)) / 4294967296), 4) = 1) AS b ON t."id" = b."id"
WHERE b."id" IS NULL OR b._diff_hash IS NULL OR b._diff_hash != t._diff_hash UNION ALL SELECT 'R' AS _diff_op, g."id", CAST(NULL AS VARCHAR(32)) AS _diff_hash
FROM (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s
WHERE MOD(((MD5_NUMBER_UPPER64(COALESCE(CAST(s."id" AS VARCHAR), '~')) - MOD(MD5_NUMBER_UPPER64(COALESCE(CAST(s."id" AS VARCHAR), '~')), 4294967296)) / 4294967296), 4) = 1) AS g LEFT OUTER JOIN reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS u ON g."id" = u."id"
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
CREATE TABLE reverse_etl.plan_0a1b2c3d4e5f_0of1_7 AS SELECT CAST(row_number() OVER (ORDER BY c."id") AS BIGINT) AS _diff_seq, c._diff_op, q."id" AS "id", q."a_NUMBER_38_0_" AS "a_NUMBER_38_0_", q."a_NUMBER_9_2_" AS "a_NUMBER_9_2_", q."a_FLOAT" AS "a_FLOAT", MD5('0123456789abcdef' || '|' || COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~')) AS _diff_hash, '48ca' || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~')), 1, 3) AS _diff_marks
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
SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op, reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_NUMBER_38_0_", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_NUMBER_9_2_", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_FLOAT"
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
INSERT INTO reverse_etl.snapshot_0a1b2c3d4e5f ("id", _diff_hash, _diff_marks) SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", CAST(NULL AS VARCHAR(32)) AS _diff_hash, CASE WHEN (reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op = 'R') THEN 'removed' ELSE CAST(NULL AS VARCHAR) END AS _diff_marks
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
SELECT CAST(q."id" AS VARCHAR) AS k0, CAST(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~')) AS VARCHAR) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q

-- copied: rows of keys (1 key)
SELECT CAST(q."id" AS VARCHAR) AS k0, CAST(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~')) AS VARCHAR) AS _diff_hash, '48ca' || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~')), 1, 3) AS _diff_marks, q."id" AS "id", q."a_NUMBER_38_0_" AS "a_NUMBER_38_0_", q."a_NUMBER_9_2_" AS "a_NUMBER_9_2_", q."a_FLOAT" AS "a_FLOAT"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q JOIN (SELECT CAST(f.value[0] AS VARCHAR) AS k0 FROM TABLE(FLATTEN(INPUT => PARSE_JSON(%(wanted_keys)s))) AS f) AS w ON CAST(q."id" AS VARCHAR) = w.k0

-- snapshot (2 keys)
CREATE TABLE reverse_etl.snapshot_0a1b2c3d4e5f AS SELECT t."id", t."part", t._diff_hash, CAST(NULL AS VARCHAR) AS _diff_marks
FROM (SELECT q."id" AS "id", q."part" AS "part", MD5('0123456789abcdef' || '|' || COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~')) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q) AS t
WHERE 1 = 0

-- stage (2 keys)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q."id" AS "id", q."part" AS "part", MD5('0123456789abcdef' || '|' || COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~')) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q

-- stage: a slice, first of each key (2 keys)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q."id" AS "id", q."part" AS "part", MD5('0123456789abcdef' || '|' || COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~')) AS _diff_hash
FROM (SELECT q.*, row_number() OVER (PARTITION BY q."id", q."part" ORDER BY MD5('0123456789abcdef' || '|' || COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~'))) AS _diff_copy
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q."id" IS NOT NULL AND q."part" IS NOT NULL) AS q
WHERE q._diff_copy = 1 AND MOD(((MD5_NUMBER_UPPER64(COALESCE(CAST(q."id" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."part" AS VARCHAR), '~')) - MOD(MD5_NUMBER_UPPER64(COALESCE(CAST(q."id" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."part" AS VARCHAR), '~')), 4294967296)) / 4294967296), 4) = 1

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
WHERE MOD(((MD5_NUMBER_UPPER64(COALESCE(CAST(s."id" AS VARCHAR), '~') || '|' || COALESCE(CAST(s."part" AS VARCHAR), '~')) - MOD(MD5_NUMBER_UPPER64(COALESCE(CAST(s."id" AS VARCHAR), '~') || '|' || COALESCE(CAST(s."part" AS VARCHAR), '~')), 4294967296)) / 4294967296), 4) = 1) AS b ON t."id" = b."id" AND t."part" = b."part"
WHERE b."id" IS NULL OR b._diff_hash IS NULL OR b._diff_hash != t._diff_hash UNION ALL SELECT 'R' AS _diff_op, g."id", g."part", CAST(NULL AS VARCHAR(32)) AS _diff_hash
FROM (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s
WHERE MOD(((MD5_NUMBER_UPPER64(COALESCE(CAST(s."id" AS VARCHAR), '~') || '|' || COALESCE(CAST(s."part" AS VARCHAR), '~')) - MOD(MD5_NUMBER_UPPER64(COALESCE(CAST(s."id" AS VARCHAR), '~') || '|' || COALESCE(CAST(s."part" AS VARCHAR), '~')), 4294967296)) / 4294967296), 4) = 1) AS g LEFT OUTER JOIN reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS u ON g."id" = u."id" AND g."part" = u."part"
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
CREATE TABLE reverse_etl.plan_0a1b2c3d4e5f_0of1_7 AS SELECT CAST(row_number() OVER (ORDER BY c."id", c."part") AS BIGINT) AS _diff_seq, c._diff_op, q."id" AS "id", q."part" AS "part", q."a_NUMBER_38_0_" AS "a_NUMBER_38_0_", q."a_NUMBER_9_2_" AS "a_NUMBER_9_2_", q."a_FLOAT" AS "a_FLOAT", MD5('0123456789abcdef' || '|' || COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~')) AS _diff_hash, '48ca' || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~')), 1, 3) AS _diff_marks
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
SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op, reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_NUMBER_38_0_", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_NUMBER_9_2_", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_FLOAT"
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
INSERT INTO reverse_etl.snapshot_0a1b2c3d4e5f ("id", "part", _diff_hash, _diff_marks) SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part", CAST(NULL AS VARCHAR(32)) AS _diff_hash, CASE WHEN (reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op = 'R') THEN 'removed' ELSE CAST(NULL AS VARCHAR) END AS _diff_marks
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
SELECT CAST(q."id" AS VARCHAR) AS k0, CAST(q."part" AS VARCHAR) AS k1, CAST(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~')) AS VARCHAR) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q

-- copied: rows of keys (2 keys)
SELECT CAST(q."id" AS VARCHAR) AS k0, CAST(q."part" AS VARCHAR) AS k1, CAST(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~')) AS VARCHAR) AS _diff_hash, '48ca' || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~')), 1, 3) AS _diff_marks, q."id" AS "id", q."part" AS "part", q."a_NUMBER_38_0_" AS "a_NUMBER_38_0_", q."a_NUMBER_9_2_" AS "a_NUMBER_9_2_", q."a_FLOAT" AS "a_FLOAT"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q JOIN (SELECT CAST(f.value[0] AS VARCHAR) AS k0, CAST(f.value[1] AS VARCHAR) AS k1 FROM TABLE(FLATTEN(INPUT => PARSE_JSON(%(wanted_keys)s))) AS f) AS w ON CAST(q."id" AS VARCHAR) = w.k0 AND CAST(q."part" AS VARCHAR) = w.k1

-- stage of all types
CREATE TABLE stage AS SELECT q."id" AS "id", MD5('0123456789abcdef' || '|' || COALESCE(CAST(q."a_NUMBER_38_0_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_NUMBER_9_2_" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_FLOAT" AS VARCHAR), '~') || '|' || COALESCE(CAST(q."a_BOOLEAN" AS VARCHAR), '~') || '|' || COALESCE(CAST(LENGTH(CAST(q."a_VARCHAR" AS VARCHAR)) AS VARCHAR) || ':' || CAST(q."a_VARCHAR" AS VARCHAR), '~') || '|' || COALESCE(CAST(CASE WHEN q."a_DATE" BETWEEN CAST('0001-01-01' AS DATE) AND CAST('9999-12-31' AS DATE) THEN TO_CHAR(CAST(q."a_DATE" AS DATE), 'YYYY-MM-DD') WHEN q."a_DATE" IS NOT NULL THEN '@out-of-range@' END AS VARCHAR), '~') || '|' || COALESCE(CAST(LENGTH(CAST(CAST(q."a_TIME" AS VARCHAR) AS VARCHAR)) AS VARCHAR) || ':' || CAST(CAST(q."a_TIME" AS VARCHAR) AS VARCHAR), '~') || '|' || COALESCE(CAST(CASE WHEN q."a_TIMESTAMP_NTZ" BETWEEN CAST('0001-01-01T00:00:00' AS TIMESTAMP_NTZ) AND CAST('9999-12-31T23:59:59.999999' AS TIMESTAMP_NTZ) THEN TO_CHAR(CAST(q."a_TIMESTAMP_NTZ" AS TIMESTAMP_NTZ), 'YYYY-MM-DD"T"HH24:MI:SS.FF6') || '+00:00' WHEN q."a_TIMESTAMP_NTZ" IS NOT NULL THEN '@out-of-range@' END AS VARCHAR), '~') || '|' || COALESCE(CAST(CASE WHEN q."a_TIMESTAMP_LTZ" BETWEEN CAST('0001-01-01T00:00:00+00:00' AS TIMESTAMP_LTZ) AND CAST('9999-12-31T23:59:59.999999+00:00' AS TIMESTAMP_LTZ) THEN TO_CHAR(CAST(CONVERT_TIMEZONE('UTC', q."a_TIMESTAMP_LTZ") AS TIMESTAMP_NTZ), 'YYYY-MM-DD"T"HH24:MI:SS.FF6') || '+00:00' WHEN q."a_TIMESTAMP_LTZ" IS NOT NULL THEN '@out-of-range@' END AS VARCHAR), '~') || '|' || COALESCE(CAST(CASE WHEN q."a_TIMESTAMP_TZ" BETWEEN CAST('0001-01-01T00:00:00+00:00' AS TIMESTAMP_TZ) AND CAST('9999-12-31T23:59:59.999999+00:00' AS TIMESTAMP_TZ) THEN TO_CHAR(CAST(CONVERT_TIMEZONE('UTC', q."a_TIMESTAMP_TZ") AS TIMESTAMP_NTZ), 'YYYY-MM-DD"T"HH24:MI:SS.FF6') || '+00:00' WHEN q."a_TIMESTAMP_TZ" IS NOT NULL THEN '@out-of-range@' END AS VARCHAR), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON(q."a_VARIANT") AS VARCHAR)) AS VARCHAR) || ':' || CAST(TO_JSON(q."a_VARIANT") AS VARCHAR), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON(q."a_OBJECT") AS VARCHAR)) AS VARCHAR) || ':' || CAST(TO_JSON(q."a_OBJECT") AS VARCHAR), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON(q."a_ARRAY") AS VARCHAR)) AS VARCHAR) || ':' || CAST(TO_JSON(q."a_ARRAY") AS VARCHAR), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON(CAST(q."a_MAP" AS VARIANT)) AS VARCHAR)) AS VARCHAR) || ':' || CAST(TO_JSON(CAST(q."a_MAP" AS VARIANT)) AS VARCHAR), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON(CAST(q."a_VECTOR" AS ARRAY)) AS VARCHAR)) AS VARCHAR) || ':' || CAST(TO_JSON(CAST(q."a_VECTOR" AS ARRAY)) AS VARCHAR), '~') || '|' || COALESCE(CAST(LENGTH(CAST(BASE64_ENCODE(q."a_BINARY") AS VARCHAR)) AS VARCHAR) || ':' || CAST(BASE64_ENCODE(q."a_BINARY") AS VARCHAR), '~') || '|' || COALESCE(CAST(LENGTH(CAST(ST_ASWKT(q."a_GEOGRAPHY") AS VARCHAR)) AS VARCHAR) || ':' || CAST(ST_ASWKT(q."a_GEOGRAPHY") AS VARCHAR), '~') || '|' || COALESCE(CAST(LENGTH(CAST(ST_ASWKT(q."a_GEOMETRY") AS VARCHAR)) AS VARCHAR) || ':' || CAST(ST_ASWKT(q."a_GEOMETRY") AS VARCHAR), '~') || '|' || COALESCE(CAST(LENGTH(CAST(CAST(q."a_other" AS VARCHAR) AS VARCHAR)) AS VARCHAR) || ':' || CAST(CAST(q."a_other" AS VARCHAR) AS VARCHAR), '~')) AS _diff_hash
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
	lease_until DOUBLE,
	plan_table VARCHAR(63),
	plan_id VARCHAR(40),
	plan_salt VARCHAR(40),
	plan_rows BIGINT,
	plan_removals BIGINT,
	emitted_hi BIGINT,
	folded_seq BIGINT,
	updated_at DOUBLE,
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
