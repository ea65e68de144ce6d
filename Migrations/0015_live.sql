-- The live lane: requests that somebody waits for, held in the queue of the batches.
--
-- A live batch is a row of `batches` in lane 0, where no user's batch ever is: the requests of one API key for one
-- model and endpoint that one coordinator took in within a while. Claims treat it as any other; nothing else that
-- treats users' batches sees it, and when its answers were kept long enough it is deleted as a whole.
alter table batches
    -- The API key whose requests these are; null for users' batches.
    add column live_key bigint,
    add constraint batches_live_key_only_in_live_lane check (live_key is null or lane = 0),
    -- Nobody finalizes, cancels or expires a live batch, not even a coordinator of a version before this one.
    add constraint batches_live_only_run_and_end check (live_key is null or status in ('in_progress', 'completed'));

-- Deleting a batch looks for what refers to it.
create index batches_parent_idx on batches (parent_batch_id) where parent_batch_id is not null;
create index events_batch_idx on events (batch_id);

-- Who adds to a live batch: the advisory lock that the coordinator's process holds on its listening connection as long
-- as it lives. Nobody adds once it is sealed.
create table live_batches (
    batch_id text primary key references batches (id),
    coordinator bigint not null,
    sealed_at timestamptz
);

create index live_batches_open_idx on live_batches (coordinator) where sealed_at is null;

-- A held request, the line that it is, and who waits for it: no reference to `shards`, because rows come and go by the
-- thousand a second; they are deleted when the answer was given, or with the batch.
create table live_requests (
    batch_id text not null,
    shard_no integer not null,
    ordinal integer not null,
    project_id text not null,
    -- Of endpoint, model and body: a request that is sent again is known by it.
    sha256 bytea not null,
    -- The lock of the coordinator that holds the client's connection; null when the client has gone.
    waiter bigint,
    -- Since when nobody waits.
    orphaned_at timestamptz,
    -- When the line is dropped, if it still waits then; null once that was looked at.
    drop_at timestamptz,
    primary key (batch_id, shard_no, ordinal),
    constraint live_requests_waited_for_or_orphaned check ((waiter is null) = (orphaned_at is not null))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

create index live_requests_sha256_idx on live_requests (project_id, sha256) where waiter is null;
create index live_requests_waiter_idx on live_requests (waiter) where waiter is not null;
create index live_requests_drop_idx on live_requests (drop_at) where drop_at is not null;

-- The processes that live: those whose lock is held. PostgreSQL frees it the moment a killed process's connection ends.
create view live_processes as
    select (l.classid::int8 << 32) | l.objid::int8 as id from pg_locks l
    where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
      and l.database = (select oid from pg_database where datname = current_database());

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
--
-- Only batches of lanes up to `lane_max` are looked at. Live batches of one API key count as one batch, so that keys
-- share fairly however many live batches each has; of a project with more than 64 of them a lot says which are looked
-- at this time.
create function claim_quotas(shards_max bigint, excluded text[], lane_max integer)
returns table (batch text, quota bigint)
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
        select h.lines, b.project_id, b.model, b.party from held h cross join lateral (
            select project_id, model, coalesce(live_key::text, id) as party from batches
            where id = h.batch_id limit 1
        ) b
    ), drawn as materialized (
        select (extract(epoch from clock_timestamp()) * 1000)::int8 as lot
    ), open as materialized (
        select o.* from tenants t cross join lateral (
            (select b.id, b.seq, b.project_id, b.model, b.lane, b.priority, b.urgent, first.lines,
                coalesce(b.live_key::text, b.id) as party
            from batches b cross join lateral (
                select (s.line_count - s.done_count - s.moved_count)::int8 as lines from shards s
                where s.batch_id = b.id and s.state = 'ready' and s.attempts < 2
                  and (s.not_before is null or s.not_before <= clock_timestamp())
                order by s.part desc, s.shard_no limit 1
            ) first
            where b.project_id = t.project_id and b.status = 'in_progress' and b.paused_at is null
              and b.lane = 0 and b.expires_at > clock_timestamp() and b.id <> all(excluded)
            order by hashtextextended(b.id, (select lot from drawn)) limit 64)
            union all
            (select b.id, b.seq, b.project_id, b.model, b.lane, b.priority, b.urgent, first.lines, b.id as party
            from batches b cross join lateral (
                select (s.line_count - s.done_count - s.moved_count)::int8 as lines from shards s
                where s.batch_id = b.id and s.state = 'ready' and s.attempts < 2
                  and (s.not_before is null or s.not_before <= clock_timestamp())
                order by s.part desc, s.shard_no limit 1
            ) first
            where b.project_id = t.project_id and b.status = 'in_progress' and b.paused_at is null
              and b.lane between 1 and lane_max and b.expires_at > clock_timestamp() and b.id <> all(excluded)
            order by b.lane, b.priority desc, b.urgent desc, b.seq limit 64)
        ) o where t.project_id is not null
    ), ranked as (
        select o.*, hashtextextended(o.project_id, drawn.lot) as lot, coalesce(l.lines, 0) as batch_load,
            coalesce(p.lines, 0)::int8 as project_load, coalesce(m.lines, 0)::int8 as model_load,
            (select j.claimed_lines_max from projects j where j.id = o.project_id) as project_cap,
            (select c.claimed_lines_max from model_caps c where c.model = o.model) as model_cap
        from open o cross join drawn
            left join (select project_id, party, sum(lines)::int8 as lines from loads group by project_id, party) l
                on l.project_id = o.project_id and l.party = o.party
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
        select c.id, c.seq, c.project_id, c.party, c.model, c.lane, c.priority, c.urgent, c.lot, c.project_load,
            c.model_load, c.project_cap, c.model_cap, n.place, n.lines,
            c.batch_load - n.lines + sum(n.lines) over (
                partition by c.project_id, c.party order by c.seq, n.place) as batch_before
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

-- For workers of the version before, which know of no lanes.
create or replace function claim_quotas(shards_max bigint, excluded text[])
returns table (batch text, quota bigint) language sql stable as $$
    select q.batch, q.quota from claim_quotas(shards_max, excluded, 2) q
$$;
