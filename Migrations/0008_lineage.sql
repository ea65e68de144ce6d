-- Where a batch comes from, and the file that tells how each of its lines was run.
alter table batches
    -- The batch whose failed lines this one runs again.
    add column parent_batch_id text references batches (id),
    add column provenance_file_id text,
    add constraint batches_have_provenance_only_at_the_end check (
        provenance_file_id is null or status in ('completed', 'expired', 'cancelled')
    );

-- The new columns of a terminal row stay as they are, too.
create or replace function batches_stay_terminal() returns trigger language plpgsql as $$
begin
    if old.status in ('failed', 'completed', 'expired', 'cancelled')
        and (new.status, new.ending, new.output_file_id, new.error_file_id, new.total, new.completed, new.failed,
                new.parent_batch_id, new.provenance_file_id)
            is distinct from
            (old.status, old.ending, old.output_file_id, old.error_file_id, old.total, old.completed, old.failed,
                old.parent_batch_id, old.provenance_file_id)
    then
        raise exception 'batch % is %: a terminal batch does not change', old.id, old.status;
    end if;
    return new;
end
$$;
