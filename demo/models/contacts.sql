-- Customers as marketing sees them. The blanks around names go here; what is left wrong is the target's to refuse.
SELECT
    customer_id,
    account_id,
    email,
    trim(first_name) AS first_name,
    trim(last_name) AS last_name,
    phone,
    job,
    lower(trim(plan)) AS plan,
    'plan: ' || lower(trim(plan)) AS plan_tag,
    round(churn_score, 4) AS churn_risk,
    note,
    updated_at
FROM raw.customers
