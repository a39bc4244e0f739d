-- pins
SET TIME ZONE 'UTC'

-- read: all
SELECT q.`a_bigint` AS `a_bigint`, q.`a_decimal_9_0_` AS `a_decimal_9_0_`, q.`a_decimal_9_2_` AS `a_decimal_9_2_`, CAST(CAST(q.`a_float` AS STRING) AS DOUBLE) AS `a_float`, q.`a_double` AS `a_double`, q.`a_boolean` AS `a_boolean`, q.`a_string` AS `a_string`, base64(q.`a_binary`) AS `a_binary`, CASE WHEN q.`a_date` BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN date_format(q.`a_date`, 'yyyy-MM-dd') WHEN q.`a_date` IS NOT NULL THEN '@out-of-range@' END AS `a_date`, CASE WHEN q.`a_timestamp` BETWEEN TIMESTAMP '0001-01-01 00:00:00' AND TIMESTAMP '9999-12-31 23:59:59.999999' THEN date_format(q.`a_timestamp`, 'yyyy-MM-dd') || 'T' || date_format(q.`a_timestamp`, 'HH:mm:ss.SSSSSS') || '+00:00' WHEN q.`a_timestamp` IS NOT NULL THEN '@out-of-range@' END AS `a_timestamp`, CASE WHEN q.`a_timestamp_ntz` BETWEEN TIMESTAMP_NTZ '0001-01-01 00:00:00' AND TIMESTAMP_NTZ '9999-12-31 23:59:59.999999' THEN date_format(q.`a_timestamp_ntz`, 'yyyy-MM-dd') || 'T' || date_format(q.`a_timestamp_ntz`, 'HH:mm:ss.SSSSSS') || '+00:00' WHEN q.`a_timestamp_ntz` IS NOT NULL THEN '@out-of-range@' END AS `a_timestamp_ntz`, to_json(q.`a_variant`) AS `a_variant`, to_json(q.`a_struct_a_int_`, map('ignoreNullFields', 'false')) AS `a_struct_a_int_`, to_json(q.`a_map_string_int_`, map('ignoreNullFields', 'false')) AS `a_map_string_int_`, to_json(q.`a_array_int_`, map('ignoreNullFields', 'false')) AS `a_array_int_`, CAST(q.`a_interval_day` AS STRING) AS `a_interval_day`, ST_AsText(q.`a_geography_4326_`) AS `a_geography_4326_`, CAST(q.`a_void` AS STRING) AS `a_void`
FROM (SELECT * FROM `marts`.`odd.name`
) AS q

-- read: from a bookmark, bigint
SELECT q.`a_bigint` AS `a_bigint`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :n
) AS q
WHERE q.`a_bigint` >= CAST(:tap_bookmark AS BIGINT)
ORDER BY q.`a_bigint` NULLS FIRST, q.`id`

-- read: from a bookmark, decimal(9,0)
SELECT q.`a_decimal_9_0_` AS `a_decimal_9_0_`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :n
) AS q
WHERE q.`a_decimal_9_0_` >= CAST(:tap_bookmark AS DECIMAL(38,0))
ORDER BY q.`a_decimal_9_0_` NULLS FIRST, q.`id`

-- read: from a bookmark, string
SELECT q.`a_string` AS `a_string`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :n
) AS q
WHERE q.`a_string` >= CAST(:tap_bookmark AS STRING)
ORDER BY q.`a_string` NULLS FIRST, q.`id`

-- read: from a bookmark, date
SELECT CASE WHEN q.`a_date` BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN date_format(q.`a_date`, 'yyyy-MM-dd') WHEN q.`a_date` IS NOT NULL THEN '@out-of-range@' END AS `a_date`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :n
) AS q
WHERE q.`a_date` >= CAST(:tap_bookmark AS DATE)
ORDER BY q.`a_date` NULLS FIRST, q.`id`

-- read: from a bookmark, timestamp
SELECT CASE WHEN q.`a_timestamp` BETWEEN TIMESTAMP '0001-01-01 00:00:00' AND TIMESTAMP '9999-12-31 23:59:59.999999' THEN date_format(q.`a_timestamp`, 'yyyy-MM-dd') || 'T' || date_format(q.`a_timestamp`, 'HH:mm:ss.SSSSSS') || '+00:00' WHEN q.`a_timestamp` IS NOT NULL THEN '@out-of-range@' END AS `a_timestamp`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :n
) AS q
WHERE q.`a_timestamp` >= CAST(:tap_bookmark AS TIMESTAMP)
ORDER BY q.`a_timestamp` NULLS FIRST, q.`id`

-- read: from a bookmark, timestamp_ntz
SELECT CASE WHEN q.`a_timestamp_ntz` BETWEEN TIMESTAMP_NTZ '0001-01-01 00:00:00' AND TIMESTAMP_NTZ '9999-12-31 23:59:59.999999' THEN date_format(q.`a_timestamp_ntz`, 'yyyy-MM-dd') || 'T' || date_format(q.`a_timestamp_ntz`, 'HH:mm:ss.SSSSSS') || '+00:00' WHEN q.`a_timestamp_ntz` IS NOT NULL THEN '@out-of-range@' END AS `a_timestamp_ntz`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :n
) AS q
WHERE q.`a_timestamp_ntz` >= CAST(:tap_bookmark AS TIMESTAMP_NTZ)
ORDER BY q.`a_timestamp_ntz` NULLS FIRST, q.`id`

-- snapshot (1 key)
CREATE TABLE reverse_etl.snapshot_0a1b2c3d4e5f AS SELECT t.`id`, t._diff_hash, CAST(NULL AS STRING) AS _diff_marks
FROM (SELECT q.`id` AS `id`, MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_bigint` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~')) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :`n`
) AS q) AS t
WHERE 1 = 0

-- stage (1 key)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q.`id` AS `id`, MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_bigint` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~')) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :`n`
) AS q

-- stage: a slice, first of each key (1 key)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q.`id` AS `id`, MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_bigint` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~')) AS _diff_hash
FROM (SELECT q.*, row_number() OVER (PARTITION BY q.`id` ORDER BY MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_bigint` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~'))) AS _diff_copy
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :`n`
) AS q
WHERE q.`id` IS NOT NULL) AS q
WHERE q._diff_copy = 1 AND MOD(CAST(conv(substr(md5(COALESCE(CAST(q.`id` AS STRING), '~')), 1, 8), 16, 10) AS BIGINT), 4) = 1

-- changes (1 key)
CREATE TABLE reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS SELECT CASE WHEN (b.`id` IS NULL) THEN 'A' ELSE 'C' END AS _diff_op, t.`id`, t._diff_hash
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS t LEFT OUTER JOIN (SELECT s.`id` AS `id`, s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS b ON t.`id` = b.`id`
WHERE b.`id` IS NULL OR b._diff_hash IS NULL OR b._diff_hash != t._diff_hash UNION ALL SELECT 'R' AS _diff_op, g.`id`, CAST(NULL AS STRING) AS _diff_hash
FROM (SELECT s.`id` AS `id`, s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS g LEFT OUTER JOIN reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS u ON g.`id` = u.`id`
WHERE u.`id` IS NULL

-- changes: a slice (1 key)
CREATE TABLE reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS SELECT CASE WHEN (b.`id` IS NULL) THEN 'A' ELSE 'C' END AS _diff_op, t.`id`, t._diff_hash
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS t LEFT OUTER JOIN (SELECT s.`id` AS `id`, s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s
WHERE MOD(CAST(conv(substr(md5(COALESCE(CAST(s.`id` AS STRING), '~')), 1, 8), 16, 10) AS BIGINT), 4) = 1) AS b ON t.`id` = b.`id`
WHERE b.`id` IS NULL OR b._diff_hash IS NULL OR b._diff_hash != t._diff_hash UNION ALL SELECT 'R' AS _diff_op, g.`id`, CAST(NULL AS STRING) AS _diff_hash
FROM (SELECT s.`id` AS `id`, s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s
WHERE MOD(CAST(conv(substr(md5(COALESCE(CAST(s.`id` AS STRING), '~')), 1, 8), 16, 10) AS BIGINT), 4) = 1) AS g LEFT OUTER JOIN reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS u ON g.`id` = u.`id`
WHERE u.`id` IS NULL

-- counts (1 key)
SELECT coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'A') THEN :`param_1` ELSE :`param_2` END), :`coalesce_2`) AS coalesce_1, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'C') THEN :`param_3` ELSE :`param_4` END), :`coalesce_4`) AS coalesce_3, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'R') THEN :`param_5` ELSE :`param_6` END), :`coalesce_6`) AS coalesce_5, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'A' AND reverse_etl.changes_0a1b2c3d4e5f_0of1_7.`id` IS NULL) THEN :`param_7` ELSE :`param_8` END), :`coalesce_8`) AS coalesce_7
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7

-- repeated (1 key)
SELECT count(*) AS count_1, coalesce(sum(r.n), :`coalesce_2`) AS coalesce_1
FROM (SELECT count(*) AS n
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.changes_0a1b2c3d4e5f_0of1_7.`id` IS NOT NULL GROUP BY reverse_etl.changes_0a1b2c3d4e5f_0of1_7.`id`
HAVING count(*) > 1) AS r

-- nulls (1 key)
SELECT coalesce(sum(CASE WHEN (reverse_etl.stage_0a1b2c3d4e5f_0of1_7.`id` IS NULL) THEN :`param_1` ELSE :`param_2` END), :`coalesce_2`) AS coalesce_1
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7

-- rows (1 key)
SELECT count(*) AS count_1
FROM (SELECT s.`id` AS `id`, s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS k

-- plan (1 key)
CREATE TABLE reverse_etl.plan_0a1b2c3d4e5f_0of1_7 AS SELECT CAST(row_number() OVER (ORDER BY c.`id`) AS BIGINT) AS _diff_seq, c._diff_op, q.`id` AS `id`, q.`a_bigint` AS `a_bigint`, q.`a_decimal_9_0_` AS `a_decimal_9_0_`, q.`a_decimal_9_2_` AS `a_decimal_9_2_`, MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_bigint` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~')) AS _diff_hash, '43f1' || '|' || SUBSTR(MD5(COALESCE(CAST(q.`a_bigint` AS STRING), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~')), 1, 3) AS _diff_marks
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :`n`
) AS q JOIN reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS c ON q.`id` = c.`id`
WHERE c._diff_op IN ('A', 'C')

-- removals (1 key)
INSERT INTO reverse_etl.plan_0a1b2c3d4e5f_0of1_7 (_diff_seq, _diff_op, `id`) SELECT CAST(row_number() OVER (ORDER BY reverse_etl.changes_0a1b2c3d4e5f_0of1_7.`id`) + 17 AS BIGINT) AS _diff_seq, reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op, reverse_etl.changes_0a1b2c3d4e5f_0of1_7.`id`
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'R'

-- changed columns (1 key)
SELECT coalesce(sum(CASE WHEN (substr(p._diff_marks, 6, 3) != substr(o._diff_marks, 6, 3)) THEN :`param_1` ELSE :`param_2` END), :`coalesce_2`) AS coalesce_1, coalesce(sum(CASE WHEN (substr(p._diff_marks, 10, 3) != substr(o._diff_marks, 10, 3)) THEN :`param_3` ELSE :`param_4` END), :`coalesce_4`) AS coalesce_3
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7 AS p JOIN (SELECT s.`id` AS `id`, s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS o ON p.`id` = o.`id`
WHERE p._diff_op = 'C' AND substr(p._diff_marks, 1, 4) = substr(o._diff_marks, 1, 4)

-- page (1 key)
SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op, reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`id`, reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`a_bigint`, reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`a_decimal_9_0_`, reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`a_decimal_9_2_`
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > :`diff_seq_1` AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= :`diff_seq_2` ORDER BY reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq

-- fold: forget (1 key)
DELETE FROM reverse_etl.snapshot_0a1b2c3d4e5f WHERE reverse_etl.snapshot_0a1b2c3d4e5f.`id` IN (SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`id`
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > :`diff_seq_1` AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= :`diff_seq_2`)

-- fold: confirm (1 key)
INSERT INTO reverse_etl.snapshot_0a1b2c3d4e5f (`id`, _diff_hash, _diff_marks) SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`id`, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_hash, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > :`diff_seq_1` AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= :`diff_seq_2` AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op != 'R'

-- taint (1 key)
INSERT INTO reverse_etl.snapshot_0a1b2c3d4e5f (`id`, _diff_hash, _diff_marks) SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`id`, CAST(NULL AS STRING) AS _diff_hash, CASE WHEN (reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op = 'R') THEN 'removed' ELSE CAST(NULL AS STRING) END AS _diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > :`diff_seq_1` AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= :`diff_seq_2`

-- expected (1 key)
SELECT e.`id`, e._diff_hash, e._diff_marks
FROM (SELECT n.`id` AS `id`, n._diff_hash AS _diff_hash, n._diff_marks AS _diff_marks
FROM (SELECT s.`id` AS `id`, s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS n LEFT OUTER JOIN (SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`id` AS `id`
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > :`diff_seq_1` AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= :`diff_seq_2`) AS l ON n.`id` = l.`id`
WHERE l.`id` IS NULL UNION ALL SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`id` AS `id`, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_hash AS _diff_hash, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_marks AS _diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > :`diff_seq_3` AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= :`diff_seq_4` AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op != 'R') AS e

-- copied: stage (1 key)
SELECT CAST(q.`id` AS STRING) AS k0, CAST(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_bigint` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~')) AS STRING) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :`n`
) AS q

-- copied: rows of keys (1 key)
SELECT CAST(q.`id` AS STRING) AS k0, CAST(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_bigint` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~')) AS STRING) AS _diff_hash, '43f1' || '|' || SUBSTR(MD5(COALESCE(CAST(q.`a_bigint` AS STRING), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~')), 1, 3) AS _diff_marks, q.`id` AS `id`, q.`a_bigint` AS `a_bigint`, q.`a_decimal_9_0_` AS `a_decimal_9_0_`, q.`a_decimal_9_2_` AS `a_decimal_9_2_`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :`n`
) AS q JOIN (SELECT key[0] AS k0 FROM (SELECT explode(from_json(:`wanted_keys`, 'array<array<string>>')) AS key)) AS w ON CAST(q.`id` AS STRING) = w.k0

-- snapshot (2 keys)
CREATE TABLE reverse_etl.snapshot_0a1b2c3d4e5f AS SELECT t.`id`, t.`part`, t._diff_hash, CAST(NULL AS STRING) AS _diff_marks
FROM (SELECT q.`id` AS `id`, q.`part` AS `part`, MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_bigint` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~')) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :`n`
) AS q) AS t
WHERE 1 = 0

-- stage (2 keys)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q.`id` AS `id`, q.`part` AS `part`, MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_bigint` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~')) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :`n`
) AS q

-- stage: a slice, first of each key (2 keys)
CREATE TABLE reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS SELECT q.`id` AS `id`, q.`part` AS `part`, MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_bigint` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~')) AS _diff_hash
FROM (SELECT q.*, row_number() OVER (PARTITION BY q.`id`, q.`part` ORDER BY MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_bigint` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~'))) AS _diff_copy
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :`n`
) AS q
WHERE q.`id` IS NOT NULL AND q.`part` IS NOT NULL) AS q
WHERE q._diff_copy = 1 AND MOD(CAST(conv(substr(md5(COALESCE(CAST(q.`id` AS STRING), '~') || '|' || COALESCE(CAST(q.`part` AS STRING), '~')), 1, 8), 16, 10) AS BIGINT), 4) = 1

-- changes (2 keys)
CREATE TABLE reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS SELECT CASE WHEN (b.`id` IS NULL) THEN 'A' ELSE 'C' END AS _diff_op, t.`id`, t.`part`, t._diff_hash
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS t LEFT OUTER JOIN (SELECT s.`id` AS `id`, s.`part` AS `part`, s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS b ON t.`id` = b.`id` AND t.`part` = b.`part`
WHERE b.`id` IS NULL OR b._diff_hash IS NULL OR b._diff_hash != t._diff_hash UNION ALL SELECT 'R' AS _diff_op, g.`id`, g.`part`, CAST(NULL AS STRING) AS _diff_hash
FROM (SELECT s.`id` AS `id`, s.`part` AS `part`, s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS g LEFT OUTER JOIN reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS u ON g.`id` = u.`id` AND g.`part` = u.`part`
WHERE u.`id` IS NULL

-- changes: a slice (2 keys)
CREATE TABLE reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS SELECT CASE WHEN (b.`id` IS NULL) THEN 'A' ELSE 'C' END AS _diff_op, t.`id`, t.`part`, t._diff_hash
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS t LEFT OUTER JOIN (SELECT s.`id` AS `id`, s.`part` AS `part`, s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s
WHERE MOD(CAST(conv(substr(md5(COALESCE(CAST(s.`id` AS STRING), '~') || '|' || COALESCE(CAST(s.`part` AS STRING), '~')), 1, 8), 16, 10) AS BIGINT), 4) = 1) AS b ON t.`id` = b.`id` AND t.`part` = b.`part`
WHERE b.`id` IS NULL OR b._diff_hash IS NULL OR b._diff_hash != t._diff_hash UNION ALL SELECT 'R' AS _diff_op, g.`id`, g.`part`, CAST(NULL AS STRING) AS _diff_hash
FROM (SELECT s.`id` AS `id`, s.`part` AS `part`, s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s
WHERE MOD(CAST(conv(substr(md5(COALESCE(CAST(s.`id` AS STRING), '~') || '|' || COALESCE(CAST(s.`part` AS STRING), '~')), 1, 8), 16, 10) AS BIGINT), 4) = 1) AS g LEFT OUTER JOIN reverse_etl.stage_0a1b2c3d4e5f_0of1_7 AS u ON g.`id` = u.`id` AND g.`part` = u.`part`
WHERE u.`id` IS NULL

-- counts (2 keys)
SELECT coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'A') THEN :`param_1` ELSE :`param_2` END), :`coalesce_2`) AS coalesce_1, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'C') THEN :`param_3` ELSE :`param_4` END), :`coalesce_4`) AS coalesce_3, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'R') THEN :`param_5` ELSE :`param_6` END), :`coalesce_6`) AS coalesce_5, coalesce(sum(CASE WHEN (reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'A' AND (reverse_etl.changes_0a1b2c3d4e5f_0of1_7.`id` IS NULL OR reverse_etl.changes_0a1b2c3d4e5f_0of1_7.`part` IS NULL)) THEN :`param_7` ELSE :`param_8` END), :`coalesce_8`) AS coalesce_7
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7

-- repeated (2 keys)
SELECT count(*) AS count_1, coalesce(sum(r.n), :`coalesce_2`) AS coalesce_1
FROM (SELECT count(*) AS n
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.changes_0a1b2c3d4e5f_0of1_7.`id` IS NOT NULL AND reverse_etl.changes_0a1b2c3d4e5f_0of1_7.`part` IS NOT NULL GROUP BY reverse_etl.changes_0a1b2c3d4e5f_0of1_7.`id`, reverse_etl.changes_0a1b2c3d4e5f_0of1_7.`part`
HAVING count(*) > 1) AS r

-- nulls (2 keys)
SELECT coalesce(sum(CASE WHEN (reverse_etl.stage_0a1b2c3d4e5f_0of1_7.`id` IS NULL) THEN :`param_1` ELSE :`param_2` END), :`coalesce_2`) AS coalesce_1, coalesce(sum(CASE WHEN (reverse_etl.stage_0a1b2c3d4e5f_0of1_7.`part` IS NULL) THEN :`param_3` ELSE :`param_4` END), :`coalesce_4`) AS coalesce_3
FROM reverse_etl.stage_0a1b2c3d4e5f_0of1_7

-- rows (2 keys)
SELECT count(*) AS count_1
FROM (SELECT s.`id` AS `id`, s.`part` AS `part`, s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS k

-- plan (2 keys)
CREATE TABLE reverse_etl.plan_0a1b2c3d4e5f_0of1_7 AS SELECT CAST(row_number() OVER (ORDER BY c.`id`, c.`part`) AS BIGINT) AS _diff_seq, c._diff_op, q.`id` AS `id`, q.`part` AS `part`, q.`a_bigint` AS `a_bigint`, q.`a_decimal_9_0_` AS `a_decimal_9_0_`, q.`a_decimal_9_2_` AS `a_decimal_9_2_`, MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_bigint` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~')) AS _diff_hash, '43f1' || '|' || SUBSTR(MD5(COALESCE(CAST(q.`a_bigint` AS STRING), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~')), 1, 3) AS _diff_marks
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :`n`
) AS q JOIN reverse_etl.changes_0a1b2c3d4e5f_0of1_7 AS c ON q.`id` = c.`id` AND q.`part` = c.`part`
WHERE c._diff_op IN ('A', 'C')

-- removals (2 keys)
INSERT INTO reverse_etl.plan_0a1b2c3d4e5f_0of1_7 (_diff_seq, _diff_op, `id`, `part`) SELECT CAST(row_number() OVER (ORDER BY reverse_etl.changes_0a1b2c3d4e5f_0of1_7.`id`, reverse_etl.changes_0a1b2c3d4e5f_0of1_7.`part`) + 17 AS BIGINT) AS _diff_seq, reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op, reverse_etl.changes_0a1b2c3d4e5f_0of1_7.`id`, reverse_etl.changes_0a1b2c3d4e5f_0of1_7.`part`
FROM reverse_etl.changes_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.changes_0a1b2c3d4e5f_0of1_7._diff_op = 'R'

-- changed columns (2 keys)
SELECT coalesce(sum(CASE WHEN (substr(p._diff_marks, 6, 3) != substr(o._diff_marks, 6, 3)) THEN :`param_1` ELSE :`param_2` END), :`coalesce_2`) AS coalesce_1, coalesce(sum(CASE WHEN (substr(p._diff_marks, 10, 3) != substr(o._diff_marks, 10, 3)) THEN :`param_3` ELSE :`param_4` END), :`coalesce_4`) AS coalesce_3
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7 AS p JOIN (SELECT s.`id` AS `id`, s.`part` AS `part`, s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS o ON p.`id` = o.`id` AND p.`part` = o.`part`
WHERE p._diff_op = 'C' AND substr(p._diff_marks, 1, 4) = substr(o._diff_marks, 1, 4)

-- page (2 keys)
SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op, reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`id`, reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`part`, reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`a_bigint`, reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`a_decimal_9_0_`, reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`a_decimal_9_2_`
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > :`diff_seq_1` AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= :`diff_seq_2` ORDER BY reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq

-- fold: forget (2 keys)
DELETE FROM reverse_etl.snapshot_0a1b2c3d4e5f WHERE COALESCE(CAST(`id` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(`part` AS STRING)) AS STRING) || ':' || CAST(`part` AS STRING), '~') IN (SELECT COALESCE(CAST(`id` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(`part` AS STRING)) AS STRING) || ':' || CAST(`part` AS STRING), '~')
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > :`diff_seq_1` AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= :`diff_seq_2`)

-- fold: confirm (2 keys)
INSERT INTO reverse_etl.snapshot_0a1b2c3d4e5f (`id`, `part`, _diff_hash, _diff_marks) SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`id`, reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`part`, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_hash, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > :`diff_seq_1` AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= :`diff_seq_2` AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op != 'R'

-- taint (2 keys)
INSERT INTO reverse_etl.snapshot_0a1b2c3d4e5f (`id`, `part`, _diff_hash, _diff_marks) SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`id`, reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`part`, CAST(NULL AS STRING) AS _diff_hash, CASE WHEN (reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op = 'R') THEN 'removed' ELSE CAST(NULL AS STRING) END AS _diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > :`diff_seq_1` AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= :`diff_seq_2`

-- expected (2 keys)
SELECT e.`id`, e.`part`, e._diff_hash, e._diff_marks
FROM (SELECT n.`id` AS `id`, n.`part` AS `part`, n._diff_hash AS _diff_hash, n._diff_marks AS _diff_marks
FROM (SELECT s.`id` AS `id`, s.`part` AS `part`, s._diff_hash AS _diff_hash, s._diff_marks AS _diff_marks
FROM reverse_etl.snapshot_0a1b2c3d4e5f AS s) AS n LEFT OUTER JOIN (SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`id` AS `id`, reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`part` AS `part`
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > :`diff_seq_1` AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= :`diff_seq_2`) AS l ON n.`id` = l.`id` AND n.`part` = l.`part`
WHERE l.`id` IS NULL UNION ALL SELECT reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`id` AS `id`, reverse_etl.plan_0a1b2c3d4e5f_0of1_7.`part` AS `part`, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_hash AS _diff_hash, reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_marks AS _diff_marks
FROM reverse_etl.plan_0a1b2c3d4e5f_0of1_7
WHERE reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq > :`diff_seq_3` AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_seq <= :`diff_seq_4` AND reverse_etl.plan_0a1b2c3d4e5f_0of1_7._diff_op != 'R') AS e

-- copied: stage (2 keys)
SELECT CAST(q.`id` AS STRING) AS k0, CAST(q.`part` AS STRING) AS k1, CAST(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_bigint` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~')) AS STRING) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :`n`
) AS q

-- copied: rows of keys (2 keys)
SELECT CAST(q.`id` AS STRING) AS k0, CAST(q.`part` AS STRING) AS k1, CAST(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_bigint` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~')) AS STRING) AS _diff_hash, '43f1' || '|' || SUBSTR(MD5(COALESCE(CAST(q.`a_bigint` AS STRING), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~')), 1, 3) || '|' || SUBSTR(MD5(COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~')), 1, 3) AS _diff_marks, q.`id` AS `id`, q.`part` AS `part`, q.`a_bigint` AS `a_bigint`, q.`a_decimal_9_0_` AS `a_decimal_9_0_`, q.`a_decimal_9_2_` AS `a_decimal_9_2_`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :`n`
) AS q JOIN (SELECT key[0] AS k0, key[1] AS k1 FROM (SELECT explode(from_json(:`wanted_keys`, 'array<array<string>>')) AS key)) AS w ON CAST(q.`id` AS STRING) = w.k0 AND CAST(q.`part` AS STRING) = w.k1

-- stage of all types
CREATE TABLE stage AS SELECT q.`id` AS `id`, MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_bigint` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_decimal_9_2_` AS STRING), '~') || '|' || COALESCE(CAST(CAST(CAST(q.`a_float` AS STRING) AS DOUBLE) AS STRING), '~') || '|' || COALESCE(CAST(q.`a_double` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_boolean` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(q.`a_string` AS STRING)) AS STRING) || ':' || CAST(q.`a_string` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(base64(q.`a_binary`) AS STRING)) AS STRING) || ':' || CAST(base64(q.`a_binary`) AS STRING), '~') || '|' || COALESCE(CAST(CASE WHEN q.`a_date` BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN date_format(q.`a_date`, 'yyyy-MM-dd') WHEN q.`a_date` IS NOT NULL THEN '@out-of-range@' END AS STRING), '~') || '|' || COALESCE(CAST(CASE WHEN q.`a_timestamp` BETWEEN TIMESTAMP '0001-01-01 00:00:00' AND TIMESTAMP '9999-12-31 23:59:59.999999' THEN date_format(q.`a_timestamp`, 'yyyy-MM-dd') || 'T' || date_format(q.`a_timestamp`, 'HH:mm:ss.SSSSSS') || '+00:00' WHEN q.`a_timestamp` IS NOT NULL THEN '@out-of-range@' END AS STRING), '~') || '|' || COALESCE(CAST(CASE WHEN q.`a_timestamp_ntz` BETWEEN TIMESTAMP_NTZ '0001-01-01 00:00:00' AND TIMESTAMP_NTZ '9999-12-31 23:59:59.999999' THEN date_format(q.`a_timestamp_ntz`, 'yyyy-MM-dd') || 'T' || date_format(q.`a_timestamp_ntz`, 'HH:mm:ss.SSSSSS') || '+00:00' WHEN q.`a_timestamp_ntz` IS NOT NULL THEN '@out-of-range@' END AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(to_json(q.`a_variant`) AS STRING)) AS STRING) || ':' || CAST(to_json(q.`a_variant`) AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(to_json(q.`a_struct_a_int_`, map('ignoreNullFields', 'false')) AS STRING)) AS STRING) || ':' || CAST(to_json(q.`a_struct_a_int_`, map('ignoreNullFields', 'false')) AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(to_json(q.`a_map_string_int_`, map('ignoreNullFields', 'false')) AS STRING)) AS STRING) || ':' || CAST(to_json(q.`a_map_string_int_`, map('ignoreNullFields', 'false')) AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(to_json(q.`a_array_int_`, map('ignoreNullFields', 'false')) AS STRING)) AS STRING) || ':' || CAST(to_json(q.`a_array_int_`, map('ignoreNullFields', 'false')) AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(CAST(q.`a_interval_day` AS STRING) AS STRING)) AS STRING) || ':' || CAST(CAST(q.`a_interval_day` AS STRING) AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(ST_AsText(q.`a_geography_4326_`) AS STRING)) AS STRING) || ':' || CAST(ST_AsText(q.`a_geography_4326_`) AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(CAST(q.`a_void` AS STRING) AS STRING)) AS STRING) || ':' || CAST(CAST(q.`a_void` AS STRING) AS STRING), '~')) AS _diff_hash
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :`n`
) AS q

-- syncs: create
CREATE TABLE IF NOT EXISTS reverse_etl.syncs (
	sync_id STRING NOT NULL,
	stream STRING NOT NULL,
	slice STRING NOT NULL,
	tables STRING NOT NULL,
	tokens STRING NOT NULL,
	salt STRING,
	epoch BIGINT NOT NULL,
	lease_owner STRING,
	lease_until DOUBLE,
	plan_table STRING,
	plan_id STRING,
	plan_salt STRING,
	plan_rows BIGINT,
	plan_removals BIGINT,
	emitted_hi BIGINT,
	folded_seq BIGINT,
	updated_at DOUBLE,
	PRIMARY KEY (sync_id, stream, slice)
) USING DELTA
TBLPROPERTIES('delta.feature.allowColumnDefaults' = 'enabled')

-- syncs: insert
INSERT INTO reverse_etl.syncs (sync_id, stream, slice, tables, tokens, epoch) VALUES (:`sync_id`, :`stream`, :`slice`, :`tables`, :`tokens`, :`epoch`)

-- syncs: update
UPDATE reverse_etl.syncs SET epoch=:`epoch`, lease_owner=:`lease_owner`, lease_until=:`lease_until`, plan_id=:`plan_id` WHERE reverse_etl.syncs.sync_id = :`sync_id_1` AND reverse_etl.syncs.stream = :`stream_1` AND reverse_etl.syncs.slice = :`slice_1` AND reverse_etl.syncs.epoch = :`epoch_1`

-- syncs: select
SELECT reverse_etl.syncs.sync_id, reverse_etl.syncs.stream, reverse_etl.syncs.slice, reverse_etl.syncs.tables, reverse_etl.syncs.tokens, reverse_etl.syncs.salt, reverse_etl.syncs.epoch, reverse_etl.syncs.lease_owner, reverse_etl.syncs.lease_until, reverse_etl.syncs.plan_table, reverse_etl.syncs.plan_id, reverse_etl.syncs.plan_salt, reverse_etl.syncs.plan_rows, reverse_etl.syncs.plan_removals, reverse_etl.syncs.emitted_hi, reverse_etl.syncs.folded_seq, reverse_etl.syncs.updated_at
FROM reverse_etl.syncs
WHERE reverse_etl.syncs.sync_id = :`sync_id_1` AND reverse_etl.syncs.stream = :`stream_1`
