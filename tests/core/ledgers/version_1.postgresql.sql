-- The tables of schema version 1, as release 0.1.0 at commit 4a23182 made them.

CREATE TABLE deliveries (
    scope_id INTEGER NOT NULL,
    source_key TEXT NOT NULL,
    match_key TEXT,
    former_key TEXT,
    destination_id VARCHAR(200),
    payload_hash BYTEA,
    status VARCHAR(12) NOT NULL,
    created_by_us BOOLEAN NOT NULL,
    attempts INTEGER NOT NULL,
    intent_at BIGINT,
    in_doubt_until BIGINT,
    updated_at BIGINT NOT NULL,
    due_at BIGINT,
    error_code VARCHAR(40),
    error TEXT,
    record TEXT,
    job_id VARCHAR(100),
    waiting VARCHAR(8),
    PRIMARY KEY (scope_id, source_key),
    CONSTRAINT deliveries_one_owner UNIQUE (scope_id, match_key)
);

CREATE INDEX deliveries_open ON deliveries (scope_id, source_key) WHERE status IN ('pending', 'rejected', 'ambiguous');

CREATE INDEX deliveries_renamed ON deliveries (scope_id, former_key) WHERE former_key IS NOT NULL;

CREATE TABLE jobs (
    scope_id INTEGER NOT NULL,
    job_id VARCHAR(100) NOT NULL,
    run_id VARCHAR(36) NOT NULL,
    verb VARCHAR(12) NOT NULL,
    match_field VARCHAR(200) NOT NULL,
    opened_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (scope_id, job_id)
);

CREATE TABLE ledger_info (
    name VARCHAR(40) NOT NULL,
    value VARCHAR(200) NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE outcomes (
    run_id VARCHAR(36) NOT NULL,
    scope_id INTEGER NOT NULL,
    source_key TEXT NOT NULL,
    outcome VARCHAR(12) NOT NULL,
    code VARCHAR(40),
    destination_id VARCHAR(200),
    at BIGINT NOT NULL
);

CREATE INDEX outcomes_by_age ON outcomes (at);

CREATE INDEX outcomes_by_key ON outcomes (scope_id, source_key);

CREATE TABLE runs (
    run_id VARCHAR(36) NOT NULL,
    sync_id VARCHAR(200) NOT NULL,
    target VARCHAR(100) NOT NULL,
    account VARCHAR(100) NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    exit_code INTEGER,
    records_read BIGINT DEFAULT '0' NOT NULL,
    created BIGINT DEFAULT '0' NOT NULL,
    updated BIGINT DEFAULT '0' NOT NULL,
    unchanged BIGINT DEFAULT '0' NOT NULL,
    removed BIGINT DEFAULT '0' NOT NULL,
    superseded BIGINT DEFAULT '0' NOT NULL,
    rejected BIGINT DEFAULT '0' NOT NULL,
    deferred BIGINT DEFAULT '0' NOT NULL,
    requests BIGINT DEFAULT '0' NOT NULL,
    retries BIGINT DEFAULT '0' NOT NULL,
    states_released BIGINT DEFAULT '0' NOT NULL,
    throttled_s FLOAT(53) DEFAULT '0' NOT NULL,
    seconds FLOAT(53) DEFAULT '0' NOT NULL,
    PRIMARY KEY (run_id)
);

CREATE TABLE scopes (
    scope_id SERIAL NOT NULL,
    sync_id VARCHAR(200) NOT NULL,
    account VARCHAR(100) NOT NULL,
    object VARCHAR(200) NOT NULL,
    stream VARCHAR(200) NOT NULL,
    lease_owner VARCHAR(200),
    lease_epoch BIGINT DEFAULT '0' NOT NULL,
    lease_until BIGINT DEFAULT '0' NOT NULL,
    PRIMARY KEY (scope_id),
    CONSTRAINT scopes_one_per_stream UNIQUE (sync_id, account, object, stream)
);
