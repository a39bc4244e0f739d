-- pins
SET TimeZone = 'UTC'

-- read: all
SELECT q."a_BIGINT" AS "a_BIGINT", CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS "a_DECIMAL_9_0_", q."a_DECIMAL_9_2_" AS "a_DECIMAL_9_2_", CAST(CAST(q."a_FLOAT" AS VARCHAR) AS DOUBLE) AS "a_FLOAT", q."a_DOUBLE" AS "a_DOUBLE", q."a_BOOLEAN" AS "a_BOOLEAN", q."a_VARCHAR" AS "a_VARCHAR", CAST(q."a_UUID" AS VARCHAR) AS "a_UUID", to_base64(q."a_BLOB") AS "a_BLOB", CAST(q."a_JSON" AS VARCHAR) AS "a_JSON", CASE WHEN q."a_DATE" BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN CAST(q."a_DATE" AS VARCHAR) WHEN q."a_DATE" IS NOT NULL THEN '@out-of-range@' END AS "a_DATE", CAST(q."a_TIME" AS VARCHAR) AS "a_TIME", CASE WHEN CAST(q."a_TIMESTAMP" AS TIMESTAMP) BETWEEN TIMESTAMP '0001-01-01 00:00:00' AND TIMESTAMP '9999-12-31 23:59:59.999999' THEN strftime(CAST(q."a_TIMESTAMP" AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%f+00:00') WHEN q."a_TIMESTAMP" IS NOT NULL THEN '@out-of-range@' END AS "a_TIMESTAMP", CASE WHEN q."a_TIMESTAMP_WITH_TIME_ZONE" BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' THEN strftime(q."a_TIMESTAMP_WITH_TIME_ZONE" AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%f+00:00') WHEN q."a_TIMESTAMP_WITH_TIME_ZONE" IS NOT NULL THEN '@out-of-range@' END AS "a_TIMESTAMP_WITH_TIME_ZONE", CAST(q."a_INTERVAL" AS VARCHAR) AS "a_INTERVAL", q."a_INTEGER_" AS "a_INTEGER_", q."a_STRUCT_a_INTEGER_" AS "a_STRUCT_a_INTEGER_"
FROM (SELECT * FROM "marts"."odd.name"
) AS q

-- read: from a bookmark, BIGINT
SELECT q."a_BIGINT" AS "a_BIGINT"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $n
) AS q
WHERE q."a_BIGINT" >= CAST($tap_bookmark AS BIGINT)
ORDER BY q."a_BIGINT" NULLS FIRST, q."id"

-- read: from a bookmark, DECIMAL(9,0)
SELECT CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS "a_DECIMAL_9_0_"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $n
) AS q
WHERE q."a_DECIMAL_9_0_" >= CAST($tap_bookmark AS HUGEINT)
ORDER BY q."a_DECIMAL_9_0_" NULLS FIRST, q."id"

-- read: from a bookmark, VARCHAR
SELECT q."a_VARCHAR" AS "a_VARCHAR"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $n
) AS q
WHERE q."a_VARCHAR" >= CAST($tap_bookmark AS VARCHAR)
ORDER BY q."a_VARCHAR" NULLS FIRST, q."id"

-- read: from a bookmark, UUID
SELECT CAST(q."a_UUID" AS VARCHAR) AS "a_UUID"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $n
) AS q
WHERE q."a_UUID" >= CAST($tap_bookmark AS UUID)
ORDER BY q."a_UUID" NULLS FIRST, q."id"

-- read: from a bookmark, DATE
SELECT CASE WHEN q."a_DATE" BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN CAST(q."a_DATE" AS VARCHAR) WHEN q."a_DATE" IS NOT NULL THEN '@out-of-range@' END AS "a_DATE"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $n
) AS q
WHERE q."a_DATE" >= CAST($tap_bookmark AS DATE)
ORDER BY q."a_DATE" NULLS FIRST, q."id"

-- read: from a bookmark, TIMESTAMP
SELECT CASE WHEN CAST(q."a_TIMESTAMP" AS TIMESTAMP) BETWEEN TIMESTAMP '0001-01-01 00:00:00' AND TIMESTAMP '9999-12-31 23:59:59.999999' THEN strftime(CAST(q."a_TIMESTAMP" AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%f+00:00') WHEN q."a_TIMESTAMP" IS NOT NULL THEN '@out-of-range@' END AS "a_TIMESTAMP"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $n
) AS q
WHERE q."a_TIMESTAMP" >= CAST($tap_bookmark AS TIMESTAMP)
ORDER BY q."a_TIMESTAMP" NULLS FIRST, q."id"

-- read: from a bookmark, TIMESTAMP WITH TIME ZONE
SELECT CASE WHEN q."a_TIMESTAMP_WITH_TIME_ZONE" BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' THEN strftime(q."a_TIMESTAMP_WITH_TIME_ZONE" AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%f+00:00') WHEN q."a_TIMESTAMP_WITH_TIME_ZONE" IS NOT NULL THEN '@out-of-range@' END AS "a_TIMESTAMP_WITH_TIME_ZONE"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $n
) AS q
WHERE q."a_TIMESTAMP_WITH_TIME_ZONE" >= CAST($tap_bookmark AS TIMESTAMP WITH TIME ZONE)
ORDER BY q."a_TIMESTAMP_WITH_TIME_ZONE" NULLS FIRST, q."id"

-- snapshot (1 key)
CREATE TABLE reverse_etl.snapshot_0a1b2c3d4e5f AS SELECT t."id", t._diff_hash, CAST(NULL AS VARCHAR) AS _diff_marks
FROM (SELECT q."id" AS "id", CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~'), COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~'), COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~'))) AS UUID) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $1
) AS q) AS t
WHERE 1 = 0

-- stage (1 key)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q."id" AS "id", CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~'), COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~'), COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~'))) AS UUID) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $1
) AS q

-- stage: a slice, first of each key (1 key)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q."id" AS "id", CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~'), COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~'), COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~'))) AS UUID) AS _diff_hash
FROM (SELECT q.*, row_number() OVER (PARTITION BY q."id" ORDER BY CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~'), COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~'), COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~'))) AS UUID)) AS _diff_copy
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $1
) AS q
WHERE q."id" IS NOT NULL) AS q
WHERE q._diff_copy = 1 AND MOD(CAST('0x' || substr(md5(COALESCE(CAST(q."id" AS VARCHAR), '~')), 1, 8) AS BIGINT), 4) = 1

-- changes (1 key)
CREATE TABLE reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS SELECT CASE WHEN (b."id" IS NULL) THEN 'A' ELSE 'C' END AS _diff_op, t."id", t._diff_hash
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS t LEFT OUTER JOIN (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS b ON t."id" = b."id"
WHERE b."id" IS NULL OR b._diff_hash IS NULL OR b._diff_hash != t._diff_hash UNION ALL SELECT 'R' AS _diff_op, g."id", CAST(NULL AS UUID) AS _diff_hash
FROM (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS g LEFT OUTER JOIN reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS u ON g."id" = u."id"
WHERE u."id" IS NULL

-- changes: a slice (1 key)
CREATE TABLE reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS SELECT CASE WHEN (b."id" IS NULL) THEN 'A' ELSE 'C' END AS _diff_op, t."id", t._diff_hash
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS t LEFT OUTER JOIN (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s
WHERE MOD(CAST('0x' || substr(md5(COALESCE(CAST(s."id" AS VARCHAR), '~')), 1, 8) AS BIGINT), 4) = 1) AS b ON t."id" = b."id"
WHERE b."id" IS NULL OR b._diff_hash IS NULL OR b._diff_hash != t._diff_hash UNION ALL SELECT 'R' AS _diff_op, g."id", CAST(NULL AS UUID) AS _diff_hash
FROM (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s
WHERE MOD(CAST('0x' || substr(md5(COALESCE(CAST(s."id" AS VARCHAR), '~')), 1, 8) AS BIGINT), 4) = 1) AS g LEFT OUTER JOIN reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS u ON g."id" = u."id"
WHERE u."id" IS NULL

-- counts (1 key)
SELECT coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'A') THEN $1 ELSE $2 END), $3) AS coalesce_1, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'C') THEN $4 ELSE $5 END), $6) AS coalesce_3, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'R') THEN $7 ELSE $8 END), $9) AS coalesce_5, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'A' AND reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id" IS NULL) THEN $10 ELSE $11 END), $12) AS coalesce_7
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7

-- repeated (1 key)
SELECT count(*) AS count_1, coalesce(sum(r.n), $1) AS coalesce_1
FROM (SELECT count(*) AS n
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id" IS NOT NULL GROUP BY reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id"
HAVING count(*) > 1) AS r

-- nulls (1 key)
SELECT coalesce(sum(CASE WHEN (reverse_etl.stage_0a1b2c3d4e5f_0of1_7."id" IS NULL) THEN $1 ELSE $2 END), $3) AS coalesce_1
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7

-- rows (1 key)
SELECT count(*) AS count_1
FROM (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS k

-- plan (1 key)
CREATE TABLE reverse_etl.plan_0a1b2c3d4e5f_0of1_7 AS SELECT CAST(row_number() OVER () AS BIGINT) AS _diff_seq, c._diff_op, q."id" AS "id", q."a_BIGINT" AS "a_BIGINT", CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS "a_DECIMAL_9_0_", q."a_DECIMAL_9_2_" AS "a_DECIMAL_9_2_", CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~'), COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~'), COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~'))) AS UUID) AS _diff_hash, concat_ws('|', 'b473', SUBSTR(MD5(COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~')), 1, 3), SUBSTR(MD5(COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~')), 1, 3), SUBSTR(MD5(COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~')), 1, 3)) AS _diff_marks
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $1
) AS q JOIN reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS c ON q."id" = c."id"
WHERE c._diff_op IN ('A', 'C')

-- removals (1 key)
INSERT INTO reverse_etl.plan_0a1b2c3d4e5f_0of1_7 (_diff_seq, _diff_op, "id") SELECT CAST(row_number() OVER (ORDER BY reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id") + 17 AS BIGINT) AS _diff_seq, reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op, reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id"
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'R'

-- changed columns (1 key)
SELECT coalesce(sum(CASE WHEN (substr(p._diff_marks, 6, 3) != substr(o._diff_marks, 6, 3)) THEN $1 ELSE $2 END), $3) AS coalesce_1, coalesce(sum(CASE WHEN (substr(p._diff_marks, 10, 3) != substr(o._diff_marks, 10, 3)) THEN $4 ELSE $5 END), $6) AS coalesce_3
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7 AS p JOIN (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS o ON p."id" = o."id"
WHERE p._diff_op = 'C' AND substr(p._diff_marks, 1, 4) = substr(o._diff_marks, 1, 4)

-- page (1 key)
SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op, reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_BIGINT", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_DECIMAL_9_0_", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_DECIMAL_9_2_"
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > $1 AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= $2 ORDER BY reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq

-- fold: forget (1 key)
DELETE FROM reverse_etl.snapshot_0a1b2c3d4e5f WHERE reverse_etl.snapshot_0a1b2c3d4e5f."id" IN (SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id"
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > $1 AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= $2)

-- fold: confirm (1 key)
INSERT INTO reverse_etl.snapshot_0a1b2c3d4e5f ("id", _diff_hash, _diff_marks) SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_hash, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > $1 AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= $2 AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op != 'R'

-- taint (1 key)
INSERT INTO reverse_etl.snapshot_0a1b2c3d4e5f ("id", _diff_hash, _diff_marks) SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", CAST(NULL AS UUID) AS _diff_hash, CASE WHEN (reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op = 'R') THEN 'removed' ELSE CAST(NULL AS VARCHAR) END AS _diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > $1 AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= $2

-- expected (1 key)
SELECT e."id", e._diff_hash, e._diff_marks
FROM (SELECT n."id" AS "id", n._diff_hash AS _diff_hash, n._diff_marks AS _diff_marks
FROM (SELECT s."id" AS "id", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS n LEFT OUTER JOIN (SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id" AS "id"
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > $1 AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= $2) AS l ON n."id" = l."id"
WHERE l."id" IS NULL UNION ALL SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id" AS "id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_hash AS _diff_hash, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_marks AS _diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > $3 AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= $4 AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op != 'R') AS e

-- copied: stage (1 key)
SELECT CAST(q."id" AS VARCHAR) AS k0, CAST(CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~'), COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~'), COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~'))) AS UUID) AS VARCHAR) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $1
) AS q

-- copied: rows of keys (1 key)
SELECT CAST(q."id" AS VARCHAR) AS k0, CAST(CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~'), COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~'), COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~'))) AS UUID) AS VARCHAR) AS _diff_hash, concat_ws('|', 'b473', SUBSTR(MD5(COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~')), 1, 3), SUBSTR(MD5(COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~')), 1, 3), SUBSTR(MD5(COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~')), 1, 3)) AS _diff_marks, q."id" AS "id", q."a_BIGINT" AS "a_BIGINT", CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS "a_DECIMAL_9_0_", q."a_DECIMAL_9_2_" AS "a_DECIMAL_9_2_"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $1
) AS q JOIN (SELECT key ->> 0 AS k0 FROM (SELECT unnest(CAST($2 AS JSON[])) AS key)) AS w ON CAST(q."id" AS VARCHAR) = w.k0

-- snapshot (2 keys)
CREATE TABLE reverse_etl.snapshot_0a1b2c3d4e5f AS SELECT t."id", t."part", t._diff_hash, CAST(NULL AS VARCHAR) AS _diff_marks
FROM (SELECT q."id" AS "id", q."part" AS "part", CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~'), COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~'), COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~'))) AS UUID) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $1
) AS q) AS t
WHERE 1 = 0

-- stage (2 keys)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q."id" AS "id", q."part" AS "part", CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~'), COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~'), COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~'))) AS UUID) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $1
) AS q

-- stage: a slice, first of each key (2 keys)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q."id" AS "id", q."part" AS "part", CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~'), COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~'), COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~'))) AS UUID) AS _diff_hash
FROM (SELECT q.*, row_number() OVER (PARTITION BY q."id", q."part" ORDER BY CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~'), COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~'), COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~'))) AS UUID)) AS _diff_copy
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $1
) AS q
WHERE q."id" IS NOT NULL AND q."part" IS NOT NULL) AS q
WHERE q._diff_copy = 1 AND MOD(CAST('0x' || substr(md5(concat_ws('|', COALESCE(CAST(q."id" AS VARCHAR), '~'), COALESCE(CAST(q."part" AS VARCHAR), '~'))), 1, 8) AS BIGINT), 4) = 1

-- changes (2 keys)
CREATE TABLE reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS SELECT CASE WHEN (b."id" IS NULL) THEN 'A' ELSE 'C' END AS _diff_op, t."id", t."part", t._diff_hash
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS t LEFT OUTER JOIN (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS b ON t."id" = b."id" AND t."part" = b."part"
WHERE b."id" IS NULL OR b._diff_hash IS NULL OR b._diff_hash != t._diff_hash UNION ALL SELECT 'R' AS _diff_op, g."id", g."part", CAST(NULL AS UUID) AS _diff_hash
FROM (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS g LEFT OUTER JOIN reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS u ON g."id" = u."id" AND g."part" = u."part"
WHERE u."id" IS NULL

-- changes: a slice (2 keys)
CREATE TABLE reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS SELECT CASE WHEN (b."id" IS NULL) THEN 'A' ELSE 'C' END AS _diff_op, t."id", t."part", t._diff_hash
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS t LEFT OUTER JOIN (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s
WHERE MOD(CAST('0x' || substr(md5(concat_ws('|', COALESCE(CAST(s."id" AS VARCHAR), '~'), COALESCE(CAST(s."part" AS VARCHAR), '~'))), 1, 8) AS BIGINT), 4) = 1) AS b ON t."id" = b."id" AND t."part" = b."part"
WHERE b."id" IS NULL OR b._diff_hash IS NULL OR b._diff_hash != t._diff_hash UNION ALL SELECT 'R' AS _diff_op, g."id", g."part", CAST(NULL AS UUID) AS _diff_hash
FROM (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s
WHERE MOD(CAST('0x' || substr(md5(concat_ws('|', COALESCE(CAST(s."id" AS VARCHAR), '~'), COALESCE(CAST(s."part" AS VARCHAR), '~'))), 1, 8) AS BIGINT), 4) = 1) AS g LEFT OUTER JOIN reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS u ON g."id" = u."id" AND g."part" = u."part"
WHERE u."id" IS NULL

-- counts (2 keys)
SELECT coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'A') THEN $1 ELSE $2 END), $3) AS coalesce_1, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'C') THEN $4 ELSE $5 END), $6) AS coalesce_3, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'R') THEN $7 ELSE $8 END), $9) AS coalesce_5, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'A' AND (reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id" IS NULL OR reverse_etl.changes_0a1b2c3d4e5f_0of1_7."part" IS NULL)) THEN $10 ELSE $11 END), $12) AS coalesce_7
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7

-- repeated (2 keys)
SELECT count(*) AS count_1, coalesce(sum(r.n), $1) AS coalesce_1
FROM (SELECT count(*) AS n
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id" IS NOT NULL AND reverse_etl.changes_0a1b2c3d4e5f_0of1_7."part" IS NOT NULL GROUP BY reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id", reverse_etl.changes_0a1b2c3d4e5f_0of1_7."part"
HAVING count(*) > 1) AS r

-- nulls (2 keys)
SELECT coalesce(sum(CASE WHEN (reverse_etl.stage_0a1b2c3d4e5f_0of1_7."id" IS NULL) THEN $1 ELSE $2 END), $3) AS coalesce_1, coalesce(sum(CASE WHEN (reverse_etl.stage_0a1b2c3d4e5f_0of1_7."part" IS NULL) THEN $4 ELSE $5 END), $6) AS coalesce_3
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7

-- rows (2 keys)
SELECT count(*) AS count_1
FROM (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS k

-- plan (2 keys)
CREATE TABLE reverse_etl.plan_0a1b2c3d4e5f_0of1_7 AS SELECT CAST(row_number() OVER () AS BIGINT) AS _diff_seq, c._diff_op, q."id" AS "id", q."part" AS "part", q."a_BIGINT" AS "a_BIGINT", CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS "a_DECIMAL_9_0_", q."a_DECIMAL_9_2_" AS "a_DECIMAL_9_2_", CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~'), COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~'), COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~'))) AS UUID) AS _diff_hash, concat_ws('|', 'b473', SUBSTR(MD5(COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~')), 1, 3), SUBSTR(MD5(COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~')), 1, 3), SUBSTR(MD5(COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~')), 1, 3)) AS _diff_marks
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $1
) AS q JOIN reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS c ON q."id" = c."id" AND q."part" = c."part"
WHERE c._diff_op IN ('A', 'C')

-- removals (2 keys)
INSERT INTO reverse_etl.plan_0a1b2c3d4e5f_0of1_7 (_diff_seq, _diff_op, "id", "part") SELECT CAST(row_number() OVER (ORDER BY reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id", reverse_etl.changes_0a1b2c3d4e5f_0of1_7."part") + 17 AS BIGINT) AS _diff_seq, reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op, reverse_etl.changes_0a1b2c3d4e5f_0of1_7."id", reverse_etl.changes_0a1b2c3d4e5f_0of1_7."part"
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'R'

-- changed columns (2 keys)
SELECT coalesce(sum(CASE WHEN (substr(p._diff_marks, 6, 3) != substr(o._diff_marks, 6, 3)) THEN $1 ELSE $2 END), $3) AS coalesce_1, coalesce(sum(CASE WHEN (substr(p._diff_marks, 10, 3) != substr(o._diff_marks, 10, 3)) THEN $4 ELSE $5 END), $6) AS coalesce_3
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7 AS p JOIN (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS o ON p."id" = o."id" AND p."part" = o."part"
WHERE p._diff_op = 'C' AND substr(p._diff_marks, 1, 4) = substr(o._diff_marks, 1, 4)

-- page (2 keys)
SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op, reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_BIGINT", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_DECIMAL_9_0_", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."a_DECIMAL_9_2_"
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > $1 AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= $2 ORDER BY reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq

-- fold: forget (2 keys)
DELETE FROM reverse_etl.snapshot_0a1b2c3d4e5f WHERE (reverse_etl.snapshot_0a1b2c3d4e5f."id", reverse_etl.snapshot_0a1b2c3d4e5f."part") IN (SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part"
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > $1 AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= $2)

-- fold: confirm (2 keys)
INSERT INTO reverse_etl.snapshot_0a1b2c3d4e5f ("id", "part", _diff_hash, _diff_marks) SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part", reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_hash, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > $1 AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= $2 AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op != 'R'

-- taint (2 keys)
INSERT INTO reverse_etl.snapshot_0a1b2c3d4e5f ("id", "part", _diff_hash, _diff_marks) SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part", CAST(NULL AS UUID) AS _diff_hash, CASE WHEN (reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op = 'R') THEN 'removed' ELSE CAST(NULL AS VARCHAR) END AS _diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > $1 AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= $2

-- expected (2 keys)
SELECT e."id", e."part", e._diff_hash, e._diff_marks
FROM (SELECT n."id" AS "id", n."part" AS "part", n._diff_hash AS _diff_hash, n._diff_marks AS _diff_marks
FROM (SELECT s."id" AS "id", s."part" AS "part", s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS n LEFT OUTER JOIN (SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id" AS "id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part" AS "part"
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > $1 AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= $2) AS l ON n."id" = l."id" AND n."part" = l."part"
WHERE l."id" IS NULL UNION ALL SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7."id" AS "id", reverse_etl.plan_0a1b2c3d4e5f_0of1_7."part" AS "part", reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_hash AS _diff_hash, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_marks AS _diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > $3 AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= $4 AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op != 'R') AS e

-- copied: stage (2 keys)
SELECT CAST(q."id" AS VARCHAR) AS k0, CAST(q."part" AS VARCHAR) AS k1, CAST(CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~'), COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~'), COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~'))) AS UUID) AS VARCHAR) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $1
) AS q

-- copied: rows of keys (2 keys)
SELECT CAST(q."id" AS VARCHAR) AS k0, CAST(q."part" AS VARCHAR) AS k1, CAST(CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~'), COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~'), COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~'))) AS UUID) AS VARCHAR) AS _diff_hash, concat_ws('|', 'b473', SUBSTR(MD5(COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~')), 1, 3), SUBSTR(MD5(COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~')), 1, 3), SUBSTR(MD5(COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~')), 1, 3)) AS _diff_marks, q."id" AS "id", q."part" AS "part", q."a_BIGINT" AS "a_BIGINT", CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS "a_DECIMAL_9_0_", q."a_DECIMAL_9_2_" AS "a_DECIMAL_9_2_"
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $1
) AS q JOIN (SELECT key ->> 0 AS k0, key ->> 1 AS k1 FROM (SELECT unnest(CAST($2 AS JSON[])) AS key)) AS w ON CAST(q."id" AS VARCHAR) = w.k0 AND CAST(q."part" AS VARCHAR) = w.k1

-- stage of all types
CREATE TABLE stage AS SELECT q."id" AS "id", CAST(md5(concat_ws('|', '0123456789abcdef', COALESCE(CAST(q."a_BIGINT" AS VARCHAR), '~'), COALESCE(CAST(CAST(q."a_DECIMAL_9_0_" AS HUGEINT) AS VARCHAR), '~'), COALESCE(CAST(q."a_DECIMAL_9_2_" AS VARCHAR), '~'), COALESCE(CAST(CAST(CAST(q."a_FLOAT" AS VARCHAR) AS DOUBLE) AS VARCHAR), '~'), COALESCE(CAST(q."a_DOUBLE" AS VARCHAR), '~'), COALESCE(CAST(q."a_BOOLEAN" AS VARCHAR), '~'), COALESCE(CAST(strlen(CAST(q."a_VARCHAR" AS VARCHAR)) AS VARCHAR) || ':' || CAST(q."a_VARCHAR" AS VARCHAR), '~'), COALESCE(CAST(strlen(CAST(CAST(q."a_UUID" AS VARCHAR) AS VARCHAR)) AS VARCHAR) || ':' || CAST(CAST(q."a_UUID" AS VARCHAR) AS VARCHAR), '~'), COALESCE(CAST(strlen(CAST(to_base64(q."a_BLOB") AS VARCHAR)) AS VARCHAR) || ':' || CAST(to_base64(q."a_BLOB") AS VARCHAR), '~'), COALESCE(CAST(strlen(CAST(CAST(q."a_JSON" AS VARCHAR) AS VARCHAR)) AS VARCHAR) || ':' || CAST(CAST(q."a_JSON" AS VARCHAR) AS VARCHAR), '~'), COALESCE(CAST(q."a_DATE" AS VARCHAR), '~'), COALESCE(CAST(strlen(CAST(CAST(q."a_TIME" AS VARCHAR) AS VARCHAR)) AS VARCHAR) || ':' || CAST(CAST(q."a_TIME" AS VARCHAR) AS VARCHAR), '~'), COALESCE(CAST(epoch_us(q."a_TIMESTAMP") AS VARCHAR), '~'), COALESCE(CAST(epoch_us(q."a_TIMESTAMP_WITH_TIME_ZONE") AS VARCHAR), '~'), COALESCE(CAST(strlen(CAST(CAST(q."a_INTERVAL" AS VARCHAR) AS VARCHAR)) AS VARCHAR) || ':' || CAST(CAST(q."a_INTERVAL" AS VARCHAR) AS VARCHAR), '~'), COALESCE(CAST(strlen(CAST(CAST(to_json(q."a_INTEGER_") AS VARCHAR) AS VARCHAR)) AS VARCHAR) || ':' || CAST(CAST(to_json(q."a_INTEGER_") AS VARCHAR) AS VARCHAR), '~'), COALESCE(CAST(strlen(CAST(CAST(to_json(q."a_STRUCT_a_INTEGER_") AS VARCHAR) AS VARCHAR)) AS VARCHAR) || ':' || CAST(CAST(to_json(q."a_STRUCT_a_INTEGER_") AS VARCHAR) AS VARCHAR), '~'))) AS UUID) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = $1
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
INSERT INTO reverse_etl.syncs (sync_id, stream, slice, tables, tokens, epoch) VALUES ($1, $2, $3, $4, $5, $6)

-- syncs: update
UPDATE reverse_etl.syncs SET epoch=$1, lease_owner=$2, lease_until=$3, plan_id=$4 WHERE reverse_etl.syncs.sync_id = $5 AND reverse_etl.syncs.stream = $6 AND reverse_etl.syncs.slice = $7 AND reverse_etl.syncs.epoch = $8

-- syncs: select
SELECT reverse_etl.syncs.sync_id, reverse_etl.syncs.stream, reverse_etl.syncs.slice, reverse_etl.syncs.tables, reverse_etl.syncs.tokens, reverse_etl.syncs.salt, reverse_etl.syncs.epoch, reverse_etl.syncs.lease_owner, reverse_etl.syncs.lease_until, reverse_etl.syncs.plan_table, reverse_etl.syncs.plan_id, reverse_etl.syncs.plan_salt, reverse_etl.syncs.plan_rows, reverse_etl.syncs.plan_removals, reverse_etl.syncs.emitted_hi, reverse_etl.syncs.folded_seq, reverse_etl.syncs.updated_at
FROM reverse_etl.syncs
WHERE reverse_etl.syncs.sync_id = $1 AND reverse_etl.syncs.stream = $2
