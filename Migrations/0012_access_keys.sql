-- Who may sign requests to Ark's control plane: pairs of an id and a secret, which the server needs in order to verify.
create table access_keys (
    seq bigint generated always as identity primary key,
    id text not null unique,
    project_id text not null references projects (id),
    name text not null,
    -- Sealed with the operator's key, for this id in this project.
    secret bytea not null,
    created_at timestamptz not null default clock_timestamp(),
    revoked_at timestamptz,
    -- To the minute.
    last_used_at timestamptz
);
