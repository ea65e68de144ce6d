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

-- How many ready shards a claim of at most `shards_max` takes of which batch, best first: the batches of the first
-- lane, then those of the highest priority, then urgent ones; among equals the project with the fewest claimed lines,
-- and of a project the batch with the fewest. What it costs grows with the claimed shards and the open batches, not
-- with the lines that wait nor with what has ended. Its plan is made once per session and holds to the indexes,
-- whatever the statistics say at that moment.
--
-- `tenants` are the projects with open batches, one index probe each; `open` their first batches that have a ready
-- shard, with the lines of that shard; `chosen` the batches that could get anything, of equals those whose turn is
-- next; `slots` their first ready shards, not locked: what could be taken. Then the project and in it the batch that
-- has least is filled up, shard by shard, until the limit or a cap is reached. Between projects that have the same a
-- lot decides, drawn anew for each claim.
create function claim_quotas(shards_max bigint, excluded text[]) returns table (batch text, quota bigint)
language plpgsql stable rows 8
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
as $$
begin
    return query
    with recursive tenants as (
        (select project_id from batches where status = 'in_progress' and paused_at is null
        order by project_id limit 1)
        union all
        select (
            select b.project_id from batches b
            where b.status = 'in_progress' and b.paused_at is null and b.project_id > t.project_id
            order by b.project_id limit 1)
        from tenants t where t.project_id is not null
    ), held as materialized (
        select s.batch_id, sum(s.line_count - s.done_count - s.moved_count)::int8 as lines
        from shards s where s.state = 'claimed' group by s.batch_id
    ), loads as materialized (
        select h.batch_id, h.lines, b.project_id, b.model from held h cross join lateral (
            select project_id, model from batches where id = h.batch_id limit 1
        ) b
    ), open as materialized (
        select o.* from tenants t cross join lateral (
            select b.id, b.seq, b.project_id, b.model, b.lane, b.priority, b.urgent, first.lines
            from batches b cross join lateral (
                select (s.line_count - s.done_count - s.moved_count)::int8 as lines from shards s
                where s.batch_id = b.id and s.state = 'ready' and s.attempts < 2
                  and (s.not_before is null or s.not_before <= clock_timestamp())
                order by s.part desc, s.shard_no limit 1
            ) first
            where b.project_id = t.project_id and b.status = 'in_progress' and b.paused_at is null
              and b.expires_at > clock_timestamp() and b.id <> all(excluded)
            order by b.lane, b.priority desc, b.urgent desc, b.seq limit 64
        ) o where t.project_id is not null
    ), ranked as (
        select o.*, hashtextextended(o.project_id, drawn.lot) as lot, coalesce(l.lines, 0) as batch_load,
            coalesce(p.lines, 0)::int8 as project_load, coalesce(m.lines, 0)::int8 as model_load,
            (select j.claimed_lines_max from projects j where j.id = o.project_id) as project_cap,
            (select c.claimed_lines_max from model_caps c where c.model = o.model) as model_cap
        from open o cross join (select (extract(epoch from clock_timestamp()) * 1000)::int8 as lot) drawn
            left join loads l on l.batch_id = o.id
            left join (select project_id, sum(lines) as lines from loads group by project_id) p
                on p.project_id = o.project_id
            left join (select model, sum(lines) as lines from loads group by model) m on m.model = o.model
    ), chosen as materialized (
        select * from (
            select r.*, project_load - lines + sum(lines) over (
                partition by project_id order by lane, priority desc, urgent desc, batch_load, seq) as turn
            from ranked r
            where (project_cap is null or project_load < project_cap)
              and (model_cap is null or model_load < model_cap)
        ) r order by lane, priority desc, urgent desc, turn, lot, seq limit shards_max
    ), slots as (
        select c.id, c.seq, c.project_id, c.model, c.lane, c.priority, c.urgent, c.lot, c.project_load,
            c.model_load, c.project_cap, c.model_cap, n.place, n.lines,
            c.batch_load - n.lines + sum(n.lines) over (partition by c.id order by n.place) as batch_before
        from chosen c cross join lateral (
            select i.lines, row_number() over () as place from (
                select (s.line_count - s.done_count - s.moved_count)::int8 as lines from shards s
                where s.batch_id = c.id and s.state = 'ready' and s.attempts < 2
                  and (s.not_before is null or s.not_before <= clock_timestamp())
                order by s.part desc, s.shard_no limit shards_max
            ) i
        ) n
    ), turns as (
        select s.*, project_load - lines + sum(lines) over (
            partition by project_id order by lane, priority desc, urgent desc, batch_before, seq, place
        ) as project_before
        from slots s
    ), filled as (
        select t.*, model_load - lines + sum(lines) over (
            partition by model order by lane, priority desc, urgent desc, project_before, lot, seq, place
        ) as model_before
        from turns t where project_cap is null or project_before < project_cap
    )
    select id, count(*) from (
        select f.* from filled f where model_cap is null or model_before < model_cap
        order by lane, priority desc, urgent desc, project_before, lot, seq, place limit shards_max
    ) f group by id, lane, priority, urgent, lot order by lane, priority desc, urgent desc, min(project_before), lot;
end
$$;

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
