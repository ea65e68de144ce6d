-- One row is a batch. Status moves by compare-and-set only; owner and owner_epoch fence the coordinator that works
-- on it.
create table batches (
    seq bigint generated always as identity primary key,
    id text not null unique,
    project_id text not null references projects (id),
    status text not null default 'validating' check (
        status in (
            'validating', 'failed', 'in_progress', 'finalizing', 'completed', 'expired', 'cancelling', 'cancelled'
        )
    ),
    -- Where a batch that has left in_progress is heading.
    ending text check (ending in ('completed', 'expired', 'cancelled')),
    input_file_id text not null,
    endpoint text not null,
    completion_window text not null,
    model text,
    metadata text,
    output_expires_after_seconds bigint,
    problems text,
    output_file_id text,
    error_file_id text,
    total bigint not null default 0,
    completed bigint not null default 0,
    failed bigint not null default 0,
    input_tokens bigint not null default 0,
    cached_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    reasoning_tokens bigint not null default 0,
    total_tokens bigint not null default 0,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    in_progress_at timestamptz,
    finalizing_at timestamptz,
    completed_at timestamptz,
    failed_at timestamptz,
    expired_at timestamptz,
    cancelling_at timestamptz,
    cancelled_at timestamptz,
    -- The coordinator duty (validate and split, or finalize) and its lease.
    owner text,
    owner_epoch integer not null default 0,
    owner_until timestamptz,
    duty_attempts integer not null default 0,
    -- Shards and segments of a terminal batch are gone.
    swept_at timestamptz,
    idempotency_key text,
    request_sha256 bytea,
    constraint batches_count_at_most_total check (completed >= 0 and failed >= 0 and completed + failed <= total),
    constraint batches_completed_count_every_line check (status <> 'completed' or completed + failed = total),
    constraint batches_completed_iff_dated check ((status = 'completed') = (completed_at is not null)),
    constraint batches_failed_iff_dated check ((status = 'failed') = (failed_at is not null)),
    constraint batches_expired_iff_dated check ((status = 'expired') = (expired_at is not null)),
    constraint batches_cancelled_iff_dated check ((status = 'cancelled') = (cancelled_at is not null)),
    constraint batches_failed_iff_problems check ((status = 'failed') = (problems is not null)),
    constraint batches_have_files_only_at_the_end check (
        (output_file_id is null and error_file_id is null) or status in ('completed', 'expired', 'cancelled')
    )
);

create index batches_project_seq_idx on batches (project_id, seq);
-- Every batch that a coordinator or worker may still have to touch; stays small.
create index batches_open_idx on batches (seq)
    where status in ('validating', 'in_progress', 'finalizing', 'cancelling');
create index batches_unswept_idx on batches (seq)
    where swept_at is null and status in ('failed', 'completed', 'expired', 'cancelled');
create index batches_idempotency_idx on batches (project_id, idempotency_key) where idempotency_key is not null;
create index batches_request_idx on batches (project_id, request_sha256, created_at) where request_sha256 is not null;

-- Terminal rows never change again, whoever asks (only sweeping is recorded).
create function batches_stay_terminal() returns trigger language plpgsql as $$
begin
    if old.status in ('failed', 'completed', 'expired', 'cancelled')
        and (new.status, new.ending, new.output_file_id, new.error_file_id, new.total, new.completed, new.failed)
            is distinct from
            (old.status, old.ending, old.output_file_id, old.error_file_id, old.total, old.completed, old.failed)
    then
        raise exception 'batch % is %: a terminal batch does not change', old.id, old.status;
    end if;
    return new;
end
$$;

create trigger batches_stay_terminal before update on batches
    for each row execute function batches_stay_terminal();
