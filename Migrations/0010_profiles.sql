-- The manner in which a batch was created: its rules, and how its result files look.
alter table batches
    add column profile text not null default 'openai',
    -- `ds_name` of the metadata, which lists can be searched by.
    add column name text,
    add constraint batches_profile_is_known check (profile in ('openai', 'bailian'));

update batches set name = metadata::jsonb ->> 'ds_name' where metadata like '%ds\_name%';

-- How many batches of a profile a project has under way.
create index batches_running_idx on batches (project_id, profile)
    where status in ('validating', 'in_progress', 'finalizing', 'cancelling');
-- Where in the order of `seq` a moment lies, so that a list of some days reads the rows of those days only.
create index batches_created_idx on batches (project_id, created_at);
-- Whether the bytes were fetched for a batch instead of uploaded: such files use up nobody's quota.
alter table files add column is_fetched boolean not null default false;

-- What a project has uploaded: counted and summed without looking at the rows themselves.
create index files_uploaded_idx on files (project_id) include (bytes, expires_at)
    where deleted_at is null and not is_fetched
      and purpose not in ('batch_output', 'assistants_output', 'fine-tune-results');
