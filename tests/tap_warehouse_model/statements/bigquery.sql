-- pins


-- read: all
SELECT q.`a_NUMERIC_9_0_` AS `a_NUMERIC_9_0_`, q.`a_BIGNUMERIC` AS `a_BIGNUMERIC`, TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS `a_ARRAY_INTEGER_`, q.`a_INTEGER` AS `a_INTEGER`, q.`a_FLOAT` AS `a_FLOAT`, q.`a_BOOLEAN` AS `a_BOOLEAN`, q.`a_STRING` AS `a_STRING`, TO_BASE64(q.`a_BYTES`) AS `a_BYTES`, CAST(q.`a_DATE` AS STRING) AS `a_DATE`, FORMAT_DATETIME('%%E4Y-%%m-%%dT%%H:%%M:%%E6S+00:00', q.`a_DATETIME`) AS `a_DATETIME`, FORMAT_TIMESTAMP('%%E4Y-%%m-%%dT%%H:%%M:%%E6S+00:00', q.`a_TIMESTAMP`, 'UTC') AS `a_TIMESTAMP`, CAST(q.`a_TIME` AS STRING) AS `a_TIME`, TO_JSON_STRING(q.`a_JSON`) AS `a_JSON`, TO_JSON_STRING(q.`a_RECORD`) AS `a_RECORD`, ST_ASTEXT(q.`a_GEOGRAPHY`) AS `a_GEOGRAPHY`, CAST(q.`a_INTERVAL` AS STRING) AS `a_INTERVAL`, CAST(q.`a_RANGE` AS STRING) AS `a_RANGE`
FROM (SELECT * FROM `marts`.`odd.name`
) AS q

-- read: from a bookmark, NUMERIC(9,0)
SELECT q.`a_NUMERIC_9_0_` AS `a_NUMERIC_9_0_`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q.`a_NUMERIC_9_0_` >= CAST(%(tap_bookmark)s AS BIGNUMERIC)
ORDER BY q.`a_NUMERIC_9_0_` NULLS FIRST, q.`id`

-- read: from a bookmark, INTEGER
SELECT q.`a_INTEGER` AS `a_INTEGER`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q.`a_INTEGER` >= CAST(%(tap_bookmark)s AS INT64)
ORDER BY q.`a_INTEGER` NULLS FIRST, q.`id`

-- read: from a bookmark, STRING
SELECT q.`a_STRING` AS `a_STRING`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q.`a_STRING` >= CAST(%(tap_bookmark)s AS STRING)
ORDER BY q.`a_STRING` NULLS FIRST, q.`id`

-- read: from a bookmark, DATE
SELECT CAST(q.`a_DATE` AS STRING) AS `a_DATE`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q.`a_DATE` >= CAST(%(tap_bookmark)s AS DATE)
ORDER BY q.`a_DATE` NULLS FIRST, q.`id`

-- read: from a bookmark, DATETIME
SELECT FORMAT_DATETIME('%%E4Y-%%m-%%dT%%H:%%M:%%E6S+00:00', q.`a_DATETIME`) AS `a_DATETIME`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q.`a_DATETIME` >= DATETIME(CAST(%(tap_bookmark)s AS TIMESTAMP), 'UTC')
ORDER BY q.`a_DATETIME` NULLS FIRST, q.`id`

-- read: from a bookmark, TIMESTAMP
SELECT FORMAT_TIMESTAMP('%%E4Y-%%m-%%dT%%H:%%M:%%E6S+00:00', q.`a_TIMESTAMP`, 'UTC') AS `a_TIMESTAMP`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS q
WHERE q.`a_TIMESTAMP` >= CAST(%(tap_bookmark)s AS TIMESTAMP)
ORDER BY q.`a_TIMESTAMP` NULLS FIRST, q.`id`

-- snapshot (1 key)
CREATE TABLE `reverse_etl`.`snapshot_0a1b2c3d4e5f` AS SELECT `t`.`id`, `t`.`_diff_hash`, CAST(NULL AS STRING) AS `_diff_marks`
FROM (SELECT q.`id` AS `id`, TO_HEX(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~'))) AS `_diff_hash`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS `q`) AS `t`
WHERE 1 = 0

-- stage (1 key)
CREATE TABLE `reverse_etl`.`stage_0a1b2c3d4e5f_0of1_7` AS SELECT q.`id` AS `id`, TO_HEX(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~'))) AS `_diff_hash`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS `q`

-- stage: a slice, first of each key (1 key)
CREATE TABLE `reverse_etl`.`stage_0a1b2c3d4e5f_0of1_7` AS SELECT q.`id` AS `id`, TO_HEX(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~'))) AS `_diff_hash`
FROM (SELECT q.*, row_number() OVER (PARTITION BY q.`id` ORDER BY TO_HEX(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~')))) AS `_diff_copy`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS `q`
WHERE q.`id` IS NOT NULL) AS `q`
WHERE q._diff_copy = 1 AND MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(COALESCE(CAST(q.`id` AS STRING), '~'))), 1, 8)) AS INT64), 4) = 1

-- changes (1 key)
CREATE TABLE `reverse_etl`.`changes_0a1b2c3d4e5f_0of1_7` AS SELECT CASE WHEN (`b`.`id` IS NULL) THEN 'A' ELSE 'C' END AS `_diff_op`, `t`.`id`, `t`.`_diff_hash`
FROM `reverse_etl`.`stage_0a1b2c3d4e5f_0of1_7` AS `t` LEFT OUTER JOIN (SELECT `s`.`id` AS `id`, `s`.`_diff_hash` AS `_diff_hash`, `s`.`_diff_marks` AS `_diff_marks`
FROM `reverse_etl`.`snapshot_0a1b2c3d4e5f` AS `s`) AS `b` ON `t`.`id` = `b`.`id`
WHERE `b`.`id` IS NULL OR `b`.`_diff_hash` IS NULL OR `b`.`_diff_hash` != `t`.`_diff_hash` UNION ALL SELECT 'R' AS `_diff_op`, `g`.`id`, CAST(NULL AS STRING) AS `_diff_hash`
FROM (SELECT `s`.`id` AS `id`, `s`.`_diff_hash` AS `_diff_hash`, `s`.`_diff_marks` AS `_diff_marks`
FROM `reverse_etl`.`snapshot_0a1b2c3d4e5f` AS `s`) AS `g` LEFT OUTER JOIN `reverse_etl`.`stage_0a1b2c3d4e5f_0of1_7` AS `u` ON `g`.`id` = `u`.`id`
WHERE `u`.`id` IS NULL

-- changes: a slice (1 key)
CREATE TABLE `reverse_etl`.`changes_0a1b2c3d4e5f_0of1_7` AS SELECT CASE WHEN (`b`.`id` IS NULL) THEN 'A' ELSE 'C' END AS `_diff_op`, `t`.`id`, `t`.`_diff_hash`
FROM `reverse_etl`.`stage_0a1b2c3d4e5f_0of1_7` AS `t` LEFT OUTER JOIN (SELECT `s`.`id` AS `id`, `s`.`_diff_hash` AS `_diff_hash`, `s`.`_diff_marks` AS `_diff_marks`
FROM `reverse_etl`.`snapshot_0a1b2c3d4e5f` AS `s`
WHERE MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(COALESCE(CAST(s.`id` AS STRING), '~'))), 1, 8)) AS INT64), 4) = 1) AS `b` ON `t`.`id` = `b`.`id`
WHERE `b`.`id` IS NULL OR `b`.`_diff_hash` IS NULL OR `b`.`_diff_hash` != `t`.`_diff_hash` UNION ALL SELECT 'R' AS `_diff_op`, `g`.`id`, CAST(NULL AS STRING) AS `_diff_hash`
FROM (SELECT `s`.`id` AS `id`, `s`.`_diff_hash` AS `_diff_hash`, `s`.`_diff_marks` AS `_diff_marks`
FROM `reverse_etl`.`snapshot_0a1b2c3d4e5f` AS `s`
WHERE MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(COALESCE(CAST(s.`id` AS STRING), '~'))), 1, 8)) AS INT64), 4) = 1) AS `g` LEFT OUTER JOIN `reverse_etl`.`stage_0a1b2c3d4e5f_0of1_7` AS `u` ON `g`.`id` = `u`.`id`
WHERE `u`.`id` IS NULL

-- counts (1 key)
SELECT coalesce(sum(CASE WHEN (`changes_0a1b2c3d4e5f_0of1_7`.`_diff_op` = 'A') THEN %(param_1:INT64)s ELSE %(param_2:INT64)s END), %(coalesce_2:INT64)s) AS `coalesce_1`, coalesce(sum(CASE WHEN (`changes_0a1b2c3d4e5f_0of1_7`.`_diff_op` = 'C') THEN %(param_3:INT64)s ELSE %(param_4:INT64)s END), %(coalesce_4:INT64)s) AS `coalesce_3`, coalesce(sum(CASE WHEN (`changes_0a1b2c3d4e5f_0of1_7`.`_diff_op` = 'R') THEN %(param_5:INT64)s ELSE %(param_6:INT64)s END), %(coalesce_6:INT64)s) AS `coalesce_5`, coalesce(sum(CASE WHEN (`changes_0a1b2c3d4e5f_0of1_7`.`_diff_op` = 'A' AND `changes_0a1b2c3d4e5f_0of1_7`.`id` IS NULL) THEN %(param_7:INT64)s ELSE %(param_8:INT64)s END), %(coalesce_8:INT64)s) AS `coalesce_7`
FROM `reverse_etl`.`changes_0a1b2c3d4e5f_0of1_7`

-- repeated (1 key)
SELECT count(*) AS `count_1`, coalesce(sum(`r`.`n`), %(coalesce_2:INT64)s) AS `coalesce_1`
FROM (SELECT count(*) AS `n`
FROM `reverse_etl`.`changes_0a1b2c3d4e5f_0of1_7`
WHERE `changes_0a1b2c3d4e5f_0of1_7`.`id` IS NOT NULL GROUP BY `changes_0a1b2c3d4e5f_0of1_7`.`id`
HAVING count(*) > 1) AS `r`

-- nulls (1 key)
SELECT coalesce(sum(CASE WHEN (`stage_0a1b2c3d4e5f_0of1_7`.`id` IS NULL) THEN %(param_1:INT64)s ELSE %(param_2:INT64)s END), %(coalesce_2:INT64)s) AS `coalesce_1`
FROM `reverse_etl`.`stage_0a1b2c3d4e5f_0of1_7`

-- rows (1 key)
SELECT count(*) AS `count_1`
FROM (SELECT `s`.`id` AS `id`, `s`.`_diff_hash` AS `_diff_hash`, `s`.`_diff_marks` AS `_diff_marks`
FROM `reverse_etl`.`snapshot_0a1b2c3d4e5f` AS `s`) AS `k`

-- plan (1 key)
CREATE TABLE `reverse_etl`.`plan_0a1b2c3d4e5f_0of1_7` AS SELECT CAST(row_number() OVER () AS INT64) AS `_diff_seq`, `c`.`_diff_op`, q.`id` AS `id`, q.`a_NUMERIC_9_0_` AS `a_NUMERIC_9_0_`, q.`a_BIGNUMERIC` AS `a_BIGNUMERIC`, TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS `a_ARRAY_INTEGER_`, TO_HEX(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~'))) AS `_diff_hash`, '43cc' || '|' || SUBSTR(TO_HEX(MD5(COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~'))), 1, 3) || '|' || SUBSTR(TO_HEX(MD5(COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~'))), 1, 3) || '|' || SUBSTR(TO_HEX(MD5(COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~'))), 1, 3) AS `_diff_marks`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS `q` JOIN `reverse_etl`.`changes_0a1b2c3d4e5f_0of1_7` AS `c` ON q.`id` = `c`.`id`
WHERE `c`.`_diff_op` IN ('A', 'C')

-- removals (1 key)
INSERT INTO `reverse_etl`.`plan_0a1b2c3d4e5f_0of1_7` (`_diff_seq`, `_diff_op`, `id`) SELECT CAST(row_number() OVER (ORDER BY `changes_0a1b2c3d4e5f_0of1_7`.`id`) + 17 AS INT64) AS `_diff_seq`, `changes_0a1b2c3d4e5f_0of1_7`.`_diff_op`, `changes_0a1b2c3d4e5f_0of1_7`.`id`
FROM `reverse_etl`.`changes_0a1b2c3d4e5f_0of1_7`
WHERE `changes_0a1b2c3d4e5f_0of1_7`.`_diff_op` = 'R'

-- changed columns (1 key)
SELECT coalesce(sum(CASE WHEN (substr(`p`.`_diff_marks`, 6, 3) != substr(`o`.`_diff_marks`, 6, 3)) THEN %(param_1:INT64)s ELSE %(param_2:INT64)s END), %(coalesce_2:INT64)s) AS `coalesce_1`, coalesce(sum(CASE WHEN (substr(`p`.`_diff_marks`, 10, 3) != substr(`o`.`_diff_marks`, 10, 3)) THEN %(param_3:INT64)s ELSE %(param_4:INT64)s END), %(coalesce_4:INT64)s) AS `coalesce_3`
FROM `reverse_etl`.`plan_0a1b2c3d4e5f_0of1_7` AS `p` JOIN (SELECT `s`.`id` AS `id`, `s`.`_diff_hash` AS `_diff_hash`, `s`.`_diff_marks` AS `_diff_marks`
FROM `reverse_etl`.`snapshot_0a1b2c3d4e5f` AS `s`) AS `o` ON `p`.`id` = `o`.`id`
WHERE `p`.`_diff_op` = 'C' AND substr(`p`.`_diff_marks`, 1, 4) = substr(`o`.`_diff_marks`, 1, 4)

-- page (1 key)
SELECT `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq`, `plan_0a1b2c3d4e5f_0of1_7`.`_diff_op`, `plan_0a1b2c3d4e5f_0of1_7`.`id`, `plan_0a1b2c3d4e5f_0of1_7`.`a_NUMERIC_9_0_`, `plan_0a1b2c3d4e5f_0of1_7`.`a_BIGNUMERIC`, `plan_0a1b2c3d4e5f_0of1_7`.`a_ARRAY_INTEGER_`
FROM `reverse_etl`.`plan_0a1b2c3d4e5f_0of1_7`
WHERE `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` > %(diff_seq_1:INT64)s AND `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` <= %(diff_seq_2:INT64)s ORDER BY `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq`

-- fold: forget (1 key)
DELETE FROM `reverse_etl`.`snapshot_0a1b2c3d4e5f` WHERE `snapshot_0a1b2c3d4e5f`.`id` IN (SELECT `plan_0a1b2c3d4e5f_0of1_7`.`id`
FROM `reverse_etl`.`plan_0a1b2c3d4e5f_0of1_7`
WHERE `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` > %(diff_seq_1:INT64)s AND `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` <= %(diff_seq_2:INT64)s)

-- fold: confirm (1 key)
INSERT INTO `reverse_etl`.`snapshot_0a1b2c3d4e5f` (`id`, `_diff_hash`, `_diff_marks`) SELECT `plan_0a1b2c3d4e5f_0of1_7`.`id`, `plan_0a1b2c3d4e5f_0of1_7`.`_diff_hash`, `plan_0a1b2c3d4e5f_0of1_7`.`_diff_marks`
FROM `reverse_etl`.`plan_0a1b2c3d4e5f_0of1_7`
WHERE `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` > %(diff_seq_1:INT64)s AND `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` <= %(diff_seq_2:INT64)s AND `plan_0a1b2c3d4e5f_0of1_7`.`_diff_op` != 'R'

-- taint (1 key)
INSERT INTO `reverse_etl`.`snapshot_0a1b2c3d4e5f` (`id`, `_diff_hash`, `_diff_marks`) SELECT `plan_0a1b2c3d4e5f_0of1_7`.`id`, CAST(NULL AS STRING) AS `_diff_hash`, CASE WHEN (`plan_0a1b2c3d4e5f_0of1_7`.`_diff_op` = 'R') THEN 'removed' ELSE CAST(NULL AS STRING) END AS `_diff_marks`
FROM `reverse_etl`.`plan_0a1b2c3d4e5f_0of1_7`
WHERE `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` > %(diff_seq_1:INT64)s AND `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` <= %(diff_seq_2:INT64)s

-- expected (1 key)
SELECT `e`.`id`, `e`.`_diff_hash`, `e`.`_diff_marks`
FROM (SELECT `n`.`id` AS `id`, `n`.`_diff_hash` AS `_diff_hash`, `n`.`_diff_marks` AS `_diff_marks`
FROM (SELECT `s`.`id` AS `id`, `s`.`_diff_hash` AS `_diff_hash`, `s`.`_diff_marks` AS `_diff_marks`
FROM `reverse_etl`.`snapshot_0a1b2c3d4e5f` AS `s`) AS `n` LEFT OUTER JOIN (SELECT `plan_0a1b2c3d4e5f_0of1_7`.`id` AS `id`
FROM `reverse_etl`.`plan_0a1b2c3d4e5f_0of1_7`
WHERE `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` > %(diff_seq_1:INT64)s AND `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` <= %(diff_seq_2:INT64)s) AS `l` ON `n`.`id` = `l`.`id`
WHERE `l`.`id` IS NULL UNION ALL SELECT `plan_0a1b2c3d4e5f_0of1_7`.`id` AS `id`, `plan_0a1b2c3d4e5f_0of1_7`.`_diff_hash` AS `_diff_hash`, `plan_0a1b2c3d4e5f_0of1_7`.`_diff_marks` AS `_diff_marks`
FROM `reverse_etl`.`plan_0a1b2c3d4e5f_0of1_7`
WHERE `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` > %(diff_seq_3:INT64)s AND `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` <= %(diff_seq_4:INT64)s AND `plan_0a1b2c3d4e5f_0of1_7`.`_diff_op` != 'R') AS `e`

-- copied: stage (1 key)
SELECT CAST(q.`id` AS STRING) AS `k0`, CAST(TO_HEX(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~'))) AS STRING) AS `_diff_hash`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS `q`

-- copied: rows of keys (1 key)
SELECT CAST(q.`id` AS STRING) AS `k0`, CAST(TO_HEX(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~'))) AS STRING) AS `_diff_hash`, '43cc' || '|' || SUBSTR(TO_HEX(MD5(COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~'))), 1, 3) || '|' || SUBSTR(TO_HEX(MD5(COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~'))), 1, 3) || '|' || SUBSTR(TO_HEX(MD5(COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~'))), 1, 3) AS `_diff_marks`, q.`id` AS `id`, q.`a_NUMERIC_9_0_` AS `a_NUMERIC_9_0_`, q.`a_BIGNUMERIC` AS `a_BIGNUMERIC`, TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS `a_ARRAY_INTEGER_`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS `q` JOIN (SELECT JSON_VALUE(key, '$[0]') AS k0 FROM UNNEST(JSON_QUERY_ARRAY(%(wanted_keys:STRING)s)) AS key) AS `w` ON CAST(q.`id` AS STRING) = `w`.`k0`

-- snapshot (2 keys)
CREATE TABLE `reverse_etl`.`snapshot_0a1b2c3d4e5f` AS SELECT `t`.`id`, `t`.`part`, `t`.`_diff_hash`, CAST(NULL AS STRING) AS `_diff_marks`
FROM (SELECT q.`id` AS `id`, q.`part` AS `part`, TO_HEX(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~'))) AS `_diff_hash`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS `q`) AS `t`
WHERE 1 = 0

-- stage (2 keys)
CREATE TABLE `reverse_etl`.`stage_0a1b2c3d4e5f_0of1_7` AS SELECT q.`id` AS `id`, q.`part` AS `part`, TO_HEX(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~'))) AS `_diff_hash`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS `q`

-- stage: a slice, first of each key (2 keys)
CREATE TABLE `reverse_etl`.`stage_0a1b2c3d4e5f_0of1_7` AS SELECT q.`id` AS `id`, q.`part` AS `part`, TO_HEX(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~'))) AS `_diff_hash`
FROM (SELECT q.*, row_number() OVER (PARTITION BY q.`id`, q.`part` ORDER BY TO_HEX(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~')))) AS `_diff_copy`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS `q`
WHERE q.`id` IS NOT NULL AND q.`part` IS NOT NULL) AS `q`
WHERE q._diff_copy = 1 AND MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(COALESCE(CAST(q.`id` AS STRING), '~') || '|' || COALESCE(CAST(q.`part` AS STRING), '~'))), 1, 8)) AS INT64), 4) = 1

-- changes (2 keys)
CREATE TABLE `reverse_etl`.`changes_0a1b2c3d4e5f_0of1_7` AS SELECT CASE WHEN (`b`.`id` IS NULL) THEN 'A' ELSE 'C' END AS `_diff_op`, `t`.`id`, `t`.`part`, `t`.`_diff_hash`
FROM `reverse_etl`.`stage_0a1b2c3d4e5f_0of1_7` AS `t` LEFT OUTER JOIN (SELECT `s`.`id` AS `id`, `s`.`part` AS `part`, `s`.`_diff_hash` AS `_diff_hash`, `s`.`_diff_marks` AS `_diff_marks`
FROM `reverse_etl`.`snapshot_0a1b2c3d4e5f` AS `s`) AS `b` ON `t`.`id` = `b`.`id` AND `t`.`part` = `b`.`part`
WHERE `b`.`id` IS NULL OR `b`.`_diff_hash` IS NULL OR `b`.`_diff_hash` != `t`.`_diff_hash` UNION ALL SELECT 'R' AS `_diff_op`, `g`.`id`, `g`.`part`, CAST(NULL AS STRING) AS `_diff_hash`
FROM (SELECT `s`.`id` AS `id`, `s`.`part` AS `part`, `s`.`_diff_hash` AS `_diff_hash`, `s`.`_diff_marks` AS `_diff_marks`
FROM `reverse_etl`.`snapshot_0a1b2c3d4e5f` AS `s`) AS `g` LEFT OUTER JOIN `reverse_etl`.`stage_0a1b2c3d4e5f_0of1_7` AS `u` ON `g`.`id` = `u`.`id` AND `g`.`part` = `u`.`part`
WHERE `u`.`id` IS NULL

-- changes: a slice (2 keys)
CREATE TABLE `reverse_etl`.`changes_0a1b2c3d4e5f_0of1_7` AS SELECT CASE WHEN (`b`.`id` IS NULL) THEN 'A' ELSE 'C' END AS `_diff_op`, `t`.`id`, `t`.`part`, `t`.`_diff_hash`
FROM `reverse_etl`.`stage_0a1b2c3d4e5f_0of1_7` AS `t` LEFT OUTER JOIN (SELECT `s`.`id` AS `id`, `s`.`part` AS `part`, `s`.`_diff_hash` AS `_diff_hash`, `s`.`_diff_marks` AS `_diff_marks`
FROM `reverse_etl`.`snapshot_0a1b2c3d4e5f` AS `s`
WHERE MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(COALESCE(CAST(s.`id` AS STRING), '~') || '|' || COALESCE(CAST(s.`part` AS STRING), '~'))), 1, 8)) AS INT64), 4) = 1) AS `b` ON `t`.`id` = `b`.`id` AND `t`.`part` = `b`.`part`
WHERE `b`.`id` IS NULL OR `b`.`_diff_hash` IS NULL OR `b`.`_diff_hash` != `t`.`_diff_hash` UNION ALL SELECT 'R' AS `_diff_op`, `g`.`id`, `g`.`part`, CAST(NULL AS STRING) AS `_diff_hash`
FROM (SELECT `s`.`id` AS `id`, `s`.`part` AS `part`, `s`.`_diff_hash` AS `_diff_hash`, `s`.`_diff_marks` AS `_diff_marks`
FROM `reverse_etl`.`snapshot_0a1b2c3d4e5f` AS `s`
WHERE MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(COALESCE(CAST(s.`id` AS STRING), '~') || '|' || COALESCE(CAST(s.`part` AS STRING), '~'))), 1, 8)) AS INT64), 4) = 1) AS `g` LEFT OUTER JOIN `reverse_etl`.`stage_0a1b2c3d4e5f_0of1_7` AS `u` ON `g`.`id` = `u`.`id` AND `g`.`part` = `u`.`part`
WHERE `u`.`id` IS NULL

-- counts (2 keys)
SELECT coalesce(sum(CASE WHEN (`changes_0a1b2c3d4e5f_0of1_7`.`_diff_op` = 'A') THEN %(param_1:INT64)s ELSE %(param_2:INT64)s END), %(coalesce_2:INT64)s) AS `coalesce_1`, coalesce(sum(CASE WHEN (`changes_0a1b2c3d4e5f_0of1_7`.`_diff_op` = 'C') THEN %(param_3:INT64)s ELSE %(param_4:INT64)s END), %(coalesce_4:INT64)s) AS `coalesce_3`, coalesce(sum(CASE WHEN (`changes_0a1b2c3d4e5f_0of1_7`.`_diff_op` = 'R') THEN %(param_5:INT64)s ELSE %(param_6:INT64)s END), %(coalesce_6:INT64)s) AS `coalesce_5`, coalesce(sum(CASE WHEN (`changes_0a1b2c3d4e5f_0of1_7`.`_diff_op` = 'A' AND (`changes_0a1b2c3d4e5f_0of1_7`.`id` IS NULL OR `changes_0a1b2c3d4e5f_0of1_7`.`part` IS NULL)) THEN %(param_7:INT64)s ELSE %(param_8:INT64)s END), %(coalesce_8:INT64)s) AS `coalesce_7`
FROM `reverse_etl`.`changes_0a1b2c3d4e5f_0of1_7`

-- repeated (2 keys)
SELECT count(*) AS `count_1`, coalesce(sum(`r`.`n`), %(coalesce_2:INT64)s) AS `coalesce_1`
FROM (SELECT count(*) AS `n`
FROM `reverse_etl`.`changes_0a1b2c3d4e5f_0of1_7`
WHERE `changes_0a1b2c3d4e5f_0of1_7`.`id` IS NOT NULL AND `changes_0a1b2c3d4e5f_0of1_7`.`part` IS NOT NULL GROUP BY `changes_0a1b2c3d4e5f_0of1_7`.`id`, `changes_0a1b2c3d4e5f_0of1_7`.`part`
HAVING count(*) > 1) AS `r`

-- nulls (2 keys)
SELECT coalesce(sum(CASE WHEN (`stage_0a1b2c3d4e5f_0of1_7`.`id` IS NULL) THEN %(param_1:INT64)s ELSE %(param_2:INT64)s END), %(coalesce_2:INT64)s) AS `coalesce_1`, coalesce(sum(CASE WHEN (`stage_0a1b2c3d4e5f_0of1_7`.`part` IS NULL) THEN %(param_3:INT64)s ELSE %(param_4:INT64)s END), %(coalesce_4:INT64)s) AS `coalesce_3`
FROM `reverse_etl`.`stage_0a1b2c3d4e5f_0of1_7`

-- rows (2 keys)
SELECT count(*) AS `count_1`
FROM (SELECT `s`.`id` AS `id`, `s`.`part` AS `part`, `s`.`_diff_hash` AS `_diff_hash`, `s`.`_diff_marks` AS `_diff_marks`
FROM `reverse_etl`.`snapshot_0a1b2c3d4e5f` AS `s`) AS `k`

-- plan (2 keys)
CREATE TABLE `reverse_etl`.`plan_0a1b2c3d4e5f_0of1_7` AS SELECT CAST(row_number() OVER () AS INT64) AS `_diff_seq`, `c`.`_diff_op`, q.`id` AS `id`, q.`part` AS `part`, q.`a_NUMERIC_9_0_` AS `a_NUMERIC_9_0_`, q.`a_BIGNUMERIC` AS `a_BIGNUMERIC`, TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS `a_ARRAY_INTEGER_`, TO_HEX(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~'))) AS `_diff_hash`, '43cc' || '|' || SUBSTR(TO_HEX(MD5(COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~'))), 1, 3) || '|' || SUBSTR(TO_HEX(MD5(COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~'))), 1, 3) || '|' || SUBSTR(TO_HEX(MD5(COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~'))), 1, 3) AS `_diff_marks`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS `q` JOIN `reverse_etl`.`changes_0a1b2c3d4e5f_0of1_7` AS `c` ON q.`id` = `c`.`id` AND q.`part` = `c`.`part`
WHERE `c`.`_diff_op` IN ('A', 'C')

-- removals (2 keys)
INSERT INTO `reverse_etl`.`plan_0a1b2c3d4e5f_0of1_7` (`_diff_seq`, `_diff_op`, `id`, `part`) SELECT CAST(row_number() OVER (ORDER BY `changes_0a1b2c3d4e5f_0of1_7`.`id`, `changes_0a1b2c3d4e5f_0of1_7`.`part`) + 17 AS INT64) AS `_diff_seq`, `changes_0a1b2c3d4e5f_0of1_7`.`_diff_op`, `changes_0a1b2c3d4e5f_0of1_7`.`id`, `changes_0a1b2c3d4e5f_0of1_7`.`part`
FROM `reverse_etl`.`changes_0a1b2c3d4e5f_0of1_7`
WHERE `changes_0a1b2c3d4e5f_0of1_7`.`_diff_op` = 'R'

-- changed columns (2 keys)
SELECT coalesce(sum(CASE WHEN (substr(`p`.`_diff_marks`, 6, 3) != substr(`o`.`_diff_marks`, 6, 3)) THEN %(param_1:INT64)s ELSE %(param_2:INT64)s END), %(coalesce_2:INT64)s) AS `coalesce_1`, coalesce(sum(CASE WHEN (substr(`p`.`_diff_marks`, 10, 3) != substr(`o`.`_diff_marks`, 10, 3)) THEN %(param_3:INT64)s ELSE %(param_4:INT64)s END), %(coalesce_4:INT64)s) AS `coalesce_3`
FROM `reverse_etl`.`plan_0a1b2c3d4e5f_0of1_7` AS `p` JOIN (SELECT `s`.`id` AS `id`, `s`.`part` AS `part`, `s`.`_diff_hash` AS `_diff_hash`, `s`.`_diff_marks` AS `_diff_marks`
FROM `reverse_etl`.`snapshot_0a1b2c3d4e5f` AS `s`) AS `o` ON `p`.`id` = `o`.`id` AND `p`.`part` = `o`.`part`
WHERE `p`.`_diff_op` = 'C' AND substr(`p`.`_diff_marks`, 1, 4) = substr(`o`.`_diff_marks`, 1, 4)

-- page (2 keys)
SELECT `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq`, `plan_0a1b2c3d4e5f_0of1_7`.`_diff_op`, `plan_0a1b2c3d4e5f_0of1_7`.`id`, `plan_0a1b2c3d4e5f_0of1_7`.`part`, `plan_0a1b2c3d4e5f_0of1_7`.`a_NUMERIC_9_0_`, `plan_0a1b2c3d4e5f_0of1_7`.`a_BIGNUMERIC`, `plan_0a1b2c3d4e5f_0of1_7`.`a_ARRAY_INTEGER_`
FROM `reverse_etl`.`plan_0a1b2c3d4e5f_0of1_7`
WHERE `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` > %(diff_seq_1:INT64)s AND `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` <= %(diff_seq_2:INT64)s ORDER BY `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq`

-- fold: forget (2 keys)
DELETE FROM `reverse_etl`.`snapshot_0a1b2c3d4e5f` WHERE COALESCE(CAST(`id` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(`part` AS STRING)) AS STRING) || ':' || CAST(`part` AS STRING), '~') IN (SELECT COALESCE(CAST(`id` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(`part` AS STRING)) AS STRING) || ':' || CAST(`part` AS STRING), '~')
FROM `reverse_etl`.`plan_0a1b2c3d4e5f_0of1_7`
WHERE `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` > %(diff_seq_1:INT64)s AND `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` <= %(diff_seq_2:INT64)s)

-- fold: confirm (2 keys)
INSERT INTO `reverse_etl`.`snapshot_0a1b2c3d4e5f` (`id`, `part`, `_diff_hash`, `_diff_marks`) SELECT `plan_0a1b2c3d4e5f_0of1_7`.`id`, `plan_0a1b2c3d4e5f_0of1_7`.`part`, `plan_0a1b2c3d4e5f_0of1_7`.`_diff_hash`, `plan_0a1b2c3d4e5f_0of1_7`.`_diff_marks`
FROM `reverse_etl`.`plan_0a1b2c3d4e5f_0of1_7`
WHERE `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` > %(diff_seq_1:INT64)s AND `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` <= %(diff_seq_2:INT64)s AND `plan_0a1b2c3d4e5f_0of1_7`.`_diff_op` != 'R'

-- taint (2 keys)
INSERT INTO `reverse_etl`.`snapshot_0a1b2c3d4e5f` (`id`, `part`, `_diff_hash`, `_diff_marks`) SELECT `plan_0a1b2c3d4e5f_0of1_7`.`id`, `plan_0a1b2c3d4e5f_0of1_7`.`part`, CAST(NULL AS STRING) AS `_diff_hash`, CASE WHEN (`plan_0a1b2c3d4e5f_0of1_7`.`_diff_op` = 'R') THEN 'removed' ELSE CAST(NULL AS STRING) END AS `_diff_marks`
FROM `reverse_etl`.`plan_0a1b2c3d4e5f_0of1_7`
WHERE `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` > %(diff_seq_1:INT64)s AND `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` <= %(diff_seq_2:INT64)s

-- expected (2 keys)
SELECT `e`.`id`, `e`.`part`, `e`.`_diff_hash`, `e`.`_diff_marks`
FROM (SELECT `n`.`id` AS `id`, `n`.`part` AS `part`, `n`.`_diff_hash` AS `_diff_hash`, `n`.`_diff_marks` AS `_diff_marks`
FROM (SELECT `s`.`id` AS `id`, `s`.`part` AS `part`, `s`.`_diff_hash` AS `_diff_hash`, `s`.`_diff_marks` AS `_diff_marks`
FROM `reverse_etl`.`snapshot_0a1b2c3d4e5f` AS `s`) AS `n` LEFT OUTER JOIN (SELECT `plan_0a1b2c3d4e5f_0of1_7`.`id` AS `id`, `plan_0a1b2c3d4e5f_0of1_7`.`part` AS `part`
FROM `reverse_etl`.`plan_0a1b2c3d4e5f_0of1_7`
WHERE `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` > %(diff_seq_1:INT64)s AND `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` <= %(diff_seq_2:INT64)s) AS `l` ON `n`.`id` = `l`.`id` AND `n`.`part` = `l`.`part`
WHERE `l`.`id` IS NULL UNION ALL SELECT `plan_0a1b2c3d4e5f_0of1_7`.`id` AS `id`, `plan_0a1b2c3d4e5f_0of1_7`.`part` AS `part`, `plan_0a1b2c3d4e5f_0of1_7`.`_diff_hash` AS `_diff_hash`, `plan_0a1b2c3d4e5f_0of1_7`.`_diff_marks` AS `_diff_marks`
FROM `reverse_etl`.`plan_0a1b2c3d4e5f_0of1_7`
WHERE `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` > %(diff_seq_3:INT64)s AND `plan_0a1b2c3d4e5f_0of1_7`.`_diff_seq` <= %(diff_seq_4:INT64)s AND `plan_0a1b2c3d4e5f_0of1_7`.`_diff_op` != 'R') AS `e`

-- copied: stage (2 keys)
SELECT CAST(q.`id` AS STRING) AS `k0`, CAST(q.`part` AS STRING) AS `k1`, CAST(TO_HEX(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~'))) AS STRING) AS `_diff_hash`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS `q`

-- copied: rows of keys (2 keys)
SELECT CAST(q.`id` AS STRING) AS `k0`, CAST(q.`part` AS STRING) AS `k1`, CAST(TO_HEX(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~'))) AS STRING) AS `_diff_hash`, '43cc' || '|' || SUBSTR(TO_HEX(MD5(COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~'))), 1, 3) || '|' || SUBSTR(TO_HEX(MD5(COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~'))), 1, 3) || '|' || SUBSTR(TO_HEX(MD5(COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~'))), 1, 3) AS `_diff_marks`, q.`id` AS `id`, q.`part` AS `part`, q.`a_NUMERIC_9_0_` AS `a_NUMERIC_9_0_`, q.`a_BIGNUMERIC` AS `a_BIGNUMERIC`, TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS `a_ARRAY_INTEGER_`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS `q` JOIN (SELECT JSON_VALUE(key, '$[0]') AS k0, JSON_VALUE(key, '$[1]') AS k1 FROM UNNEST(JSON_QUERY_ARRAY(%(wanted_keys:STRING)s)) AS key) AS `w` ON CAST(q.`id` AS STRING) = `w`.`k0` AND CAST(q.`part` AS STRING) = `w`.`k1`

-- stage of all types
CREATE TABLE `stage` AS SELECT q.`id` AS `id`, TO_HEX(MD5('0123456789abcdef' || '|' || COALESCE(CAST(q.`a_NUMERIC_9_0_` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_BIGNUMERIC` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_ARRAY_INTEGER_`) AS STRING), '~') || '|' || COALESCE(CAST(q.`a_INTEGER` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_FLOAT` AS STRING), '~') || '|' || COALESCE(CAST(q.`a_BOOLEAN` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(q.`a_STRING` AS STRING)) AS STRING) || ':' || CAST(q.`a_STRING` AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_BASE64(q.`a_BYTES`) AS STRING)) AS STRING) || ':' || CAST(TO_BASE64(q.`a_BYTES`) AS STRING), '~') || '|' || COALESCE(CAST(CAST(q.`a_DATE` AS STRING) AS STRING), '~') || '|' || COALESCE(CAST(FORMAT_DATETIME('%%E4Y-%%m-%%dT%%H:%%M:%%E6S+00:00', q.`a_DATETIME`) AS STRING), '~') || '|' || COALESCE(CAST(FORMAT_TIMESTAMP('%%E4Y-%%m-%%dT%%H:%%M:%%E6S+00:00', q.`a_TIMESTAMP`, 'UTC') AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(CAST(q.`a_TIME` AS STRING) AS STRING)) AS STRING) || ':' || CAST(CAST(q.`a_TIME` AS STRING) AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_JSON`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_JSON`) AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(TO_JSON_STRING(q.`a_RECORD`) AS STRING)) AS STRING) || ':' || CAST(TO_JSON_STRING(q.`a_RECORD`) AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(ST_ASTEXT(q.`a_GEOGRAPHY`) AS STRING)) AS STRING) || ':' || CAST(ST_ASTEXT(q.`a_GEOGRAPHY`) AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(CAST(q.`a_INTERVAL` AS STRING) AS STRING)) AS STRING) || ':' || CAST(CAST(q.`a_INTERVAL` AS STRING) AS STRING), '~') || '|' || COALESCE(CAST(LENGTH(CAST(CAST(q.`a_RANGE` AS STRING) AS STRING)) AS STRING) || ':' || CAST(CAST(q.`a_RANGE` AS STRING) AS STRING), '~'))) AS `_diff_hash`
FROM (SELECT ':n' AS a FROM t WHERE a LIKE '%%x%%' AND b = %(n)s
) AS `q`

-- syncs: create
CREATE TABLE IF NOT EXISTS `reverse_etl`.`syncs` (
	`sync_id` STRING(200) NOT NULL,
	`stream` STRING(200) NOT NULL,
	`slice` STRING(40) NOT NULL,
	`tables` STRING(12) NOT NULL,
	`tokens` STRING(2000) NOT NULL,
	`salt` STRING(40),
	`epoch` INT64 NOT NULL,
	`lease_owner` STRING(200),
	`lease_until` FLOAT64,
	`plan_table` STRING(63),
	`plan_id` STRING(40),
	`plan_salt` STRING(40),
	`plan_rows` INT64,
	`plan_removals` INT64,
	`emitted_hi` INT64,
	`folded_seq` INT64,
	`updated_at` FLOAT64
)

-- syncs: insert
INSERT INTO `reverse_etl`.`syncs` (`sync_id`, `stream`, `slice`, `tables`, `tokens`, `epoch`) VALUES (%(sync_id:STRING)s, %(stream:STRING)s, %(slice:STRING)s, %(tables:STRING)s, %(tokens:STRING)s, %(epoch:INT64)s)

-- syncs: update
UPDATE `reverse_etl`.`syncs` SET `epoch`=%(epoch:INT64)s, `lease_owner`=%(lease_owner:STRING)s, `lease_until`=%(lease_until:FLOAT64)s, `plan_id`=%(plan_id:STRING)s WHERE `syncs`.`sync_id` = %(sync_id_1:STRING)s AND `syncs`.`stream` = %(stream_1:STRING)s AND `syncs`.`slice` = %(slice_1:STRING)s AND `syncs`.`epoch` = %(epoch_1:INT64)s

-- syncs: select
SELECT `syncs`.`sync_id`, `syncs`.`stream`, `syncs`.`slice`, `syncs`.`tables`, `syncs`.`tokens`, `syncs`.`salt`, `syncs`.`epoch`, `syncs`.`lease_owner`, `syncs`.`lease_until`, `syncs`.`plan_table`, `syncs`.`plan_id`, `syncs`.`plan_salt`, `syncs`.`plan_rows`, `syncs`.`plan_removals`, `syncs`.`emitted_hi`, `syncs`.`folded_seq`, `syncs`.`updated_at`
FROM `reverse_etl`.`syncs`
WHERE `syncs`.`sync_id` = %(sync_id_1:STRING)s AND `syncs`.`stream` = %(stream_1:STRING)s
