-- How Ark's jobs come to run: they wait for a place, and those that ended early may go on.
alter table batches
    -- Jobs of one project with the same queue share the places for jobs under way; null: no place is needed.
    add column queue text check (queue is null or profile = 'ark'),
    -- Since when the job has its place; null: it waits for one.
    add column admitted_at timestamptz check (admitted_at is null or queue is not null),
    -- How often it was resumed after an end.
    add column resumes integer not null default 0,
    -- Lines and results of a job that ended early are kept until then; null: they are swept at once.
    add column resumable_until timestamptz,
    -- An earlier run wrote an error file, which the next has to replace even when there are no errors any more.
    add column had_errors boolean not null default false,
    add constraint batches_only_ark_resumes check (resumes = 0 or profile = 'ark');

-- Who waits, and who has a place: a long queue costs a look no more than a short one.
create index batches_queued_idx on batches (project_id, queue, seq)
    where status = 'validating' and queue is not null and admitted_at is null;
create index batches_admitted_idx on batches (project_id, queue)
    where admitted_at is not null and status in ('validating', 'in_progress', 'finalizing', 'cancelling');
-- Resumed jobs that have their place and whose shards are to be opened again.
create index batches_reopened_idx on batches (seq)
    where status = 'validating' and admitted_at is not null and in_progress_at is not null;

-- What waits for its place is not in the way of what is fetched and validated; nor is what was validated before.
drop index batches_unfetched_idx, batches_unvalidated_idx, batches_unswept_idx;
create index batches_unfetched_idx on batches (duty_attempts, seq)
    where status = 'validating' and input_url is not null and input_fetched_at is null
      and (queue is null or admitted_at is not null);
create index batches_unvalidated_idx on batches (duty_attempts, seq)
    where status = 'validating' and (input_url is null or input_fetched_at is not null)
      and (queue is null or admitted_at is not null) and in_progress_at is null;
create index batches_unswept_idx on batches ((coalesce(resumable_until, '-infinity'::timestamptz)), seq)
    where swept_at is null and status in ('failed', 'completed', 'expired', 'cancelled');

-- Whether the change of a row is the one that resumes an Ark job: back to the queue, and nothing else.
create function batches_resumes(was batches, becomes batches) returns boolean language sql stable as $$
    select was.profile = 'ark' and becomes.profile = 'ark'
        and was.status in ('failed', 'expired', 'cancelled') and becomes.status = 'validating'
        and becomes.resumes = was.resumes + 1 and becomes.admitted_at is null
        and (was.input_url, was.output_url, was.errors_url, was.total, was.completed, was.failed,
                was.in_progress_at, was.parent_batch_id)
            is not distinct from
            (becomes.input_url, becomes.output_url, becomes.errors_url, becomes.total, becomes.completed,
                becomes.failed, becomes.in_progress_at, becomes.parent_batch_id)
        and (was.in_progress_at is null
            or (was.swept_at is null and coalesce(was.resumable_until > clock_timestamp(), false)))
$$;

create or replace function batches_stay_terminal() returns trigger language plpgsql as $$
begin
    if old.status in ('failed', 'completed', 'expired', 'cancelled')
        and (new.status, new.ending, new.output_file_id, new.error_file_id, new.total, new.completed, new.failed,
                new.parent_batch_id, new.provenance_file_id)
            is distinct from
            (old.status, old.ending, old.output_file_id, old.error_file_id, old.total, old.completed, old.failed,
                old.parent_batch_id, old.provenance_file_id)
        and not batches_resumes(old, new)
    then
        raise exception 'batch % is %: a terminal batch does not change', old.id, old.status;
    end if;
    return new;
end
$$;

create or replace function batches_keep_remote_files() returns trigger language plpgsql as $$
begin
    if old.status in ('failed', 'completed', 'expired', 'cancelled')
        and (new.input_url, new.output_url, new.errors_url, new.output_status, new.output_error, new.output_objects)
            is distinct from
            (old.input_url, old.output_url, old.errors_url, old.output_status, old.output_error, old.output_objects)
        and not batches_resumes(old, new)
    then
        raise exception 'batch % is %: a terminal batch does not change', old.id, old.status;
    end if;
    return new;
end
$$;

-- A job that is resumed ends once more: one event per end. What the batch was at an end that is not its last stands
-- with the event, as the row of then.
alter table events
    add column run integer not null default 0,
    add column batch_then jsonb,
    drop constraint events_batch_id_type_key,
    add constraint events_once_per_end unique (batch_id, type, run);

-- A job is begun when it has its place.
drop trigger ark_jobs_follow on batches;

create or replace function ark_jobs_follow() returns trigger language plpgsql as $$
declare
    next text := ark_phase(new.status, new.ending, new.admitted_at is not null);
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
            or old.admitted_at is distinct from new.admitted_at
        )
    )
    execute function ark_jobs_follow();

-- Nobody resumes a job that was deleted: what was kept for that goes at once.
create function ark_jobs_let_go() returns trigger language plpgsql as $$
begin
    update batches set resumable_until = null where id = new.batch_id and resumable_until is not null;
    return null;
end
$$;

create trigger ark_jobs_let_go after update on ark_jobs for each row
    when (new.deleted_at is not null and old.deleted_at is null)
    execute function ark_jobs_let_go();
