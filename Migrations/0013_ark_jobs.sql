-- Jobs of Ark's control plane: a batch of the profile 'ark', and what only that profile shows of it.
alter table batches
    drop constraint batches_profile_is_known,
    add constraint batches_profile_is_known check (profile in ('openai', 'bailian', 'ark'));

-- Lists of the other profiles pass over Ark's jobs, however many there are.
drop index batches_project_seq_idx;
create index batches_project_seq_idx on batches (project_id, seq) where profile <> 'ark';

create table ark_jobs (
    seq bigint generated always as identity primary key,
    batch_id text not null unique references batches (id),
    project_id text not null references projects (id),
    -- Ark's own project: a name that groups the jobs of one tenant.
    project_name text not null,
    -- Who made it.
    access_key_id text not null,
    name text not null,
    description text,
    -- An array of {"Key", "Value"}.
    tags jsonb not null,
    -- The model as the request named it: a name and a version, or an id.
    model_name text,
    model_version text,
    custom_model_id text,
    input_bucket text not null,
    input_key text not null,
    output_bucket text not null,
    -- Ends in a slash.
    output_folder text not null,
    -- Where the batch stands, in Ark's words: follows the batch's own row, in the same commit.
    phase text not null default 'Queued' check (
        phase in ('Queued', 'Initializing', 'Running', 'Terminating', 'Completed', 'Terminated', 'Failed')
    ),
    phase_at timestamptz not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- Hidden from everybody; only of jobs that have ended.
    deleted_at timestamptz,
    constraint ark_jobs_have_one_model check (
        (model_name is null) = (model_version is null) and (model_name is null) <> (custom_model_id is null)
    ),
    constraint ark_jobs_deleted_only_at_the_end check (
        deleted_at is null or phase in ('Completed', 'Terminated', 'Failed')
    )
);

-- Pages in both orders, their counts, and how many jobs were made of late, without looking at the rows themselves.
create index ark_jobs_created_idx on ark_jobs (project_id, project_name, created_at, seq) include (deleted_at);
create index ark_jobs_updated_idx on ark_jobs (project_id, project_name, updated_at, seq) where deleted_at is null;
create index ark_jobs_phase_idx on ark_jobs (project_id, project_name, phase, created_at, seq)
    where deleted_at is null;
-- One user runs one file once at a time.
create unique index ark_jobs_active_input_idx
    on ark_jobs (project_id, access_key_id, project_name, input_bucket, input_key)
    where phase in ('Queued', 'Initializing', 'Running', 'Terminating');

-- The phase of a batch; one that nobody has begun to look at is queued.
create function ark_phase(status text, ending text, is_begun boolean) returns text
language sql immutable parallel safe as $$
    select case status
        when 'validating' then case when is_begun then 'Initializing' else 'Queued' end
        when 'in_progress' then 'Running'
        when 'finalizing' then case when ending = 'expired' then 'Terminating' else 'Running' end
        when 'cancelling' then 'Terminating'
        when 'completed' then 'Completed'
        when 'failed' then 'Failed'
        else 'Terminated'
    end
$$;

create function ark_jobs_follow() returns trigger language plpgsql as $$
declare
    next text := ark_phase(
        new.status, new.ending, new.duty_attempts > 0 or new.input_fetched_at is not null);
begin
    update ark_jobs set phase = next, phase_at = clock_timestamp(), updated_at = clock_timestamp()
    where batch_id = new.id and phase <> next;
    return null;
end
$$;

create trigger ark_jobs_follow after update on batches for each row
    when (
        new.profile = 'ark' and (
            old.status <> new.status or old.ending is distinct from new.ending
            or old.duty_attempts <> new.duty_attempts or old.input_fetched_at is distinct from new.input_fetched_at
        )
    )
    execute function ark_jobs_follow();

-- Requests that may come again: what they made is told instead of making it twice.
create table ark_invocations (
    access_key_id text not null,
    action text not null,
    -- `X-Sdk-Invocation-Id`: the same on every attempt of one call.
    invocation_id text not null,
    request_sha256 bytea not null,
    batch_id text not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (access_key_id, action, invocation_id)
);

create index ark_invocations_created_idx on ark_invocations (created_at);
