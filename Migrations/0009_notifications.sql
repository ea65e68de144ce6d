-- Who is told that a batch ended: webhook endpoints, callbacks of single batches, and how every delivery went.
create table webhook_endpoints (
    seq bigint generated always as identity primary key,
    id text not null unique,
    project_id text not null references projects (id),
    name text not null,
    url text not null,
    event_types text[] not null,
    -- Sealed with the operator's key; the old one signs beside the new one for a while after a rotation.
    secret bytea not null,
    secret_hint text not null,
    old_secret bytea,
    old_secret_until timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    disabled_at timestamptz,
    disabled_reason text,
    -- The row stays for the log of its deliveries.
    deleted_at timestamptz,
    constraint webhook_endpoints_disabled_iff_reason check ((disabled_at is null) = (disabled_reason is null)),
    constraint webhook_endpoints_old_secret_iff_dated check ((old_secret is null) = (old_secret_until is null))
);

create index webhook_endpoints_project_idx on webhook_endpoints (project_id, seq) where deleted_at is null;

-- A batch's own receivers: `webhook` of its request, and `metadata.ds_batch_finish_callback`.
alter table batches
    add column webhook_url text,
    add column webhook_secret bytea,
    add column callback_url text,
    add constraint batches_webhook_secret_needs_url check (webhook_secret is null or webhook_url is not null);

-- An event's place in the stream that consumers follow. Places are given by one dispatcher at a time, so that they
-- become visible in their order, and whoever has read up to a place never misses an event before it.
create sequence events_position_seq;
alter table events add column position bigint unique;
update events e set position = p.position
    from (select seq, nextval('events_position_seq') as position from (
        select seq from events where dispatched_at is not null order by seq) s) p
    where e.seq = p.seq;
alter table events drop column dispatched_at;
create index events_unplaced_idx on events (seq) where position is null;
create index events_stream_idx on events (project_id, position) where position is not null;
create index events_created_idx on events (created_at);

-- The health of whoever is told: one row per endpoint, per origin of callbacks of a project, per sink.
create table delivery_targets (
    id text primary key,
    -- Failed attempts in a row.
    failures integer not null default 0,
    failing_since timestamptz,
    succeeded_at timestamptz,
    -- Nothing is attempted before this.
    held_until timestamptz not null default '-infinity',
    constraint delivery_targets_failing_iff_dated check ((failures > 0) = (failing_since is not null))
);

-- One row is the attempt schedule of one event towards one target.
alter table deliveries rename to old_deliveries;
alter table old_deliveries rename constraint deliveries_settled_iff_dated to old_deliveries_settled_iff_dated;
alter index deliveries_pending_idx rename to old_deliveries_pending_idx;
create table deliveries (
    seq bigint generated always as identity primary key,
    id text not null unique default 'whd_' || replace(gen_random_uuid()::text, '-', ''),
    event_id text not null references events (id),
    project_id text not null references projects (id),
    -- endpoint: a webhook endpoint; batch: a batch's own webhook; callback: a batch's ds_batch_finish_callback;
    -- server: the operator's receiver; sink: a message broker of the operator's.
    kind text not null check (kind in ('endpoint', 'batch', 'callback', 'server', 'sink')),
    target text not null,
    endpoint_id text references webhook_endpoints (id),
    -- Where it goes; of a sink its name.
    url text not null,
    status text not null default 'pending' check (status in ('pending', 'delivered', 'exhausted')),
    attempts integer not null default 0,
    -- Attempts since it was made or last replayed: the place in the schedule.
    round_attempts integer not null default 0,
    next_attempt_at timestamptz not null default clock_timestamp(),
    owner text,
    owner_until timestamptz,
    last_status_code integer,
    last_latency_ms integer,
    last_error text,
    created_at timestamptz not null default clock_timestamp(),
    settled_at timestamptz,
    unique (event_id, target),
    constraint deliveries_settled_iff_dated check ((status = 'pending') = (settled_at is null)),
    constraint deliveries_endpoint_iff_named check ((kind = 'endpoint') = (endpoint_id is not null))
);

insert into delivery_targets (id) select distinct 'server' from old_deliveries;
insert into deliveries (event_id, project_id, kind, target, url, status, attempts, round_attempts, next_attempt_at,
    last_status_code, last_error, created_at, settled_at)
select distinct on (d.event_id) d.event_id, e.project_id, 'server', 'server', d.url,
    case d.state when 'pending' then 'pending' when 'delivered' then 'delivered' else 'exhausted' end,
    d.attempts, d.attempts, d.next_attempt_at, d.last_status, d.last_error, e.created_at, d.settled_at
from old_deliveries d join events e on e.id = d.event_id
order by d.event_id, d.id desc;
drop table old_deliveries;

create index deliveries_due_idx on deliveries (target, next_attempt_at) where status = 'pending';
create index deliveries_leased_idx on deliveries (target) where owner is not null;
create index deliveries_project_idx on deliveries (project_id, seq);
create index deliveries_endpoint_idx on deliveries (endpoint_id, seq) where endpoint_id is not null;

-- One row is one attempt, and when it began.
create table delivery_attempts (
    delivery_seq bigint not null references deliveries (seq) on delete cascade,
    attempt integer not null,
    at timestamptz not null default clock_timestamp(),
    latency_ms integer not null,
    status_code integer,
    error text,
    -- The first bytes of the answer.
    answer bytea,
    primary key (delivery_seq, attempt)
);
