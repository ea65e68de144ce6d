-- Who may use the service: projects own everything, keys open a project.
create table projects (
    id text primary key,
    name text not null unique check (name <> ''),
    created_at timestamptz not null default clock_timestamp()
);

create table api_keys (
    id bigint generated always as identity primary key,
    project_id text not null references projects (id),
    -- Only the digest is kept; the prefix lets a person recognise the key.
    sha256 bytea not null unique check (octet_length(sha256) = 32),
    prefix text not null,
    name text not null,
    created_at timestamptz not null default clock_timestamp(),
    revoked_at timestamptz
);
