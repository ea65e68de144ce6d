-- Who goes first, shards in parts, and what workers share.
alter table batches
    -- 0 live, 1 normal, 2 background: a lane is served only with what the lanes before it leave.
    add column lane smallint not null default 1 check (lane between 0 and 2),
    add column priority smallint not null default 0 check (priority between -100 and 100),
    -- The batch would miss its window at the rate measured; written by the forecast only.
    add column urgent boolean not null default false,
    add column paused_at timestamptz,
    -- The last look of the forecast: recorded lines, when, and lines per second since the look before, smoothed.
    add column forecast_lines bigint,
    add column forecast_at timestamptz,
    add column forecast_rate float8;

-- What a claim chooses from, project by project in the order of rank.
create index batches_claimable_idx on batches (project_id, lane, priority desc, urgent desc, seq)
    where status = 'in_progress' and paused_at is null;

-- Lines that may be claimed at once; null for no limit.
alter table projects add column claimed_lines_max integer check (claimed_lines_max >= 0);
create table model_caps (
    model text primary key,
    claimed_lines_max integer not null check (claimed_lines_max >= 0)
);

-- Whether two bitmaps of one shard have a line in common.
create function line_sets_meet(a bytea, b bytea) returns boolean language sql immutable parallel safe as $$
    select bit_count(('x' || encode(a, 'hex'))::varbit & ('x' || encode(b, 'hex'))::varbit) > 0
$$;

-- A shard may be split into parts, without renumbering its lines or copying its pack: a part above 0 has no pack of
-- its own, but the ordinals of part 0. `moved` are the lines of this row that belong to other parts; every line of a
-- shard belongs to exactly one of its parts.
alter table segments drop constraint segments_batch_id_shard_no_fkey, drop constraint segments_pkey;
alter table shards
    drop constraint shards_pkey,
    drop constraint shards_done_iff_every_line_is,
    alter column lines drop not null,
    add column part integer not null default 0 check (part >= 0),
    add column moved bytea,
    add column moved_count integer not null default 0;
alter table shards
    add primary key (batch_id, shard_no, part),
    add constraint shards_have_lines_iff_first_part check ((part = 0) = (lines is not null)),
    add constraint shards_count_what_was_moved check ((moved is null) = (moved_count = 0)),
    add constraint shards_move_no_line_that_is_done check (moved is null or not line_sets_meet(done, moved)),
    add constraint shards_done_iff_every_line_is check ((state = 'done') = (done_count + moved_count = line_count));
alter table segments add column part integer not null default 0;
alter table segments
    add primary key (batch_id, shard_no, part, epoch, seq),
    add foreign key (batch_id, shard_no, part) references shards (batch_id, shard_no, part);

-- Claim order within a batch: parts first, what is left of an older shard. A shard that two workers in a row lost
-- without recording anything is suspected of killing them: suspects are claimed one at a time.
drop index shards_ready_idx;
create index shards_ready_idx on shards (batch_id, part desc, shard_no) where state = 'ready' and attempts < 2;
create index shards_suspect_idx on shards (not_before) where state = 'ready' and attempts >= 2;

-- One row per backend with a limit for all workers together: locked while its places are dealt out.
create table backends (
    name text primary key,
    cap integer not null check (cap >= 0)
);

-- What a worker may have in flight to a backend. `reserved` is what the others have to reckon with: the most it may
-- have in flight until it has said that it goes by a smaller grant.
create table backend_shares (
    backend text not null references backends (name) on delete cascade,
    worker_id text not null,
    granted integer not null,
    reserved integer not null,
    in_flight integer not null,
    wanted integer not null,
    heartbeat_at timestamptz not null,
    primary key (backend, worker_id)
) with (fillfactor = 50);

create index backend_shares_worker_idx on backend_shares (worker_id);
