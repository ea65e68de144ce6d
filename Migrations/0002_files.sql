-- One row is a stored file; its bytes live in the vault under vault_key.
create table files (
    seq bigint generated always as identity primary key,
    id text not null unique,
    project_id text not null references projects (id),
    purpose text not null,
    filename text not null,
    bytes bigint not null check (bytes >= 0),
    sha256 bytea not null check (octet_length(sha256) = 32),
    vault_key text not null unique,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz,
    -- A deleted row stays as a paging cursor until its bytes are pruned and it has aged.
    deleted_at timestamptz,
    pruned_at timestamptz,
    constraint files_are_deleted_before_they_are_pruned check (pruned_at is null or deleted_at is not null)
);

create index files_project_seq_idx on files (project_id, seq) where deleted_at is null;
create index files_prunable_idx on files (deleted_at) where deleted_at is not null and pruned_at is null;
create index files_expires_at_idx on files (expires_at) where deleted_at is null and expires_at is not null;
