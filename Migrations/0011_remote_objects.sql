-- Batches whose input comes from elsewhere, and whose results go elsewhere besides the vault.
alter table batches
    -- As the user wrote it. Then input_file_id is reserved, and the file is there once it was fetched.
    add column input_url text,
    add column input_fetched_at timestamptz,
    -- A prefix of a store, or a URL with a permission; the second one is for the error file alone.
    add column output_url text,
    add column errors_url text,
    -- Since when the result files are sealed and wait to be delivered: only batches with an output_url are held.
    add column held_at timestamptz,
    -- How the delivery ended, in the commit that ended the batch. The objects are a JSON array of addresses.
    add column output_status text check (output_status in ('delivered', 'failed')),
    add column output_error text,
    add column output_objects text,
    add constraint batches_errors_url_needs_output check (errors_url is null or output_url is not null),
    add constraint batches_fetched_iff_remote check (input_fetched_at is null or input_url is not null),
    add constraint batches_output_status_only_at_the_end check (
        output_status is null or status in ('completed', 'expired', 'cancelled')
    );

-- In the order in which they are claimed, so that a long queue costs a claim no more than a short one.
create index batches_unfetched_idx on batches (duty_attempts, seq)
    where status = 'validating' and input_url is not null and input_fetched_at is null;
create index batches_unvalidated_idx on batches (duty_attempts, seq)
    where status = 'validating' and (input_url is null or input_fetched_at is not null);
create index batches_held_idx on batches (seq) where held_at is not null and status in ('finalizing', 'cancelling');

-- The sealed result files of a held batch: rows of files in the commit that ends it, gone from here in the same.
create table held_files (
    batch_id text not null references batches (id),
    kind text not null check (kind in ('output', 'error', 'provenance')),
    id text not null,
    filename text not null,
    bytes bigint not null,
    sha256 bytea not null,
    vault_key text not null unique,
    expires_after_seconds bigint,
    -- Where it was delivered, without any permission; null: not yet.
    delivered_to text,
    primary key (batch_id, kind)
);

-- How a project enters its own object stores. Secrets are sealed with the operator's key.
create table object_credentials (
    seq bigint generated always as identity primary key,
    project_id text not null references projects (id),
    name text not null,
    kind text not null check (kind in ('s3', 'oss', 'tos')),
    -- null: every bucket.
    bucket text,
    -- null: the public endpoint of the kind's vendor in the region.
    endpoint text,
    region text,
    path_style boolean not null,
    access_key text not null,
    secret bytea not null,
    session_token bytea,
    created_at timestamptz not null default clock_timestamp(),
    unique (project_id, name)
);

-- What a terminal batch says about its files elsewhere stays as it is, too.
create function batches_keep_remote_files() returns trigger language plpgsql as $$
begin
    if old.status in ('failed', 'completed', 'expired', 'cancelled')
        and (new.input_url, new.output_url, new.errors_url, new.output_status, new.output_error, new.output_objects)
            is distinct from
            (old.input_url, old.output_url, old.errors_url, old.output_status, old.output_error, old.output_objects)
    then
        raise exception 'batch % is %: a terminal batch does not change', old.id, old.status;
    end if;
    return new;
end
$$;

create trigger batches_keep_remote_files before update on batches
    for each row execute function batches_keep_remote_files();
