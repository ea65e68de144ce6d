-- Keys that clients of Ark's runtime get for a while with an access key: they open the runtime's routes only, for the
-- models they were asked for, and no longer than the access key itself.
alter table api_keys add column expires_at timestamptz;
alter table api_keys add column access_key_id text references access_keys (id);
-- Models and endpoints it may be used for, as clients name them.
alter table api_keys add column resources text[];
alter table api_keys add constraint api_keys_temporary_is_whole
    check ((expires_at is null) = (resources is null) and (expires_at is null) = (access_key_id is null));

-- Those of a project that are still good, and those that are to be removed.
create index api_keys_expiring_idx on api_keys (project_id, expires_at) where expires_at is not null;
create index api_keys_expired_idx on api_keys (expires_at) where expires_at is not null;
