// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import batchd

@Suite struct BenchMeasureTests {
    /// The fields behind the name: state, parent, then zeros up to the four times in 14…17 of proc(5).
    private static let rest = " S 7 1 1 0 -1 4194560 100 200 0 0 120 30 4000 500 20 0 9 0 12345 1 2"

    @Test(arguments: ["batchd", "a b", "a) S 1 (b", "((", "", ") ) )", "postgres: x (y)"])
    func `a process is read whatever its name holds`(name: String) throws {
        let stat = try #require(ProcessStat("4711 (\(name))\(Self.rest)\n"))
        #expect(stat.pid == 4_711 && stat.name == name && stat.parent == 7)
        #expect(stat.ticks == 150 && stat.endedChildrenTicks == 4_500)
    }

    @Test(arguments: [
        "", "4711", "4711 (x", "x (y) S 1", "1 (x) S 7 1 1", "1 (x) S 7 1 1 0 -1 0 0 0 0 0 a b c d e f g",
    ])
    func `what is no process status is refused`(text: String) {
        #expect(ProcessStat(text) == nil)
    }

    @Test func `this process is found among the children of its parent`() throws {
        let own = try #require(ProcessStat.read(getpid()))
        #expect(own.pid == getpid() && own.parent == getppid() && own.ticks >= 0)
        #expect(ProcessStat.children(of: getppid()).contains { $0.pid == getpid() })
        #expect(try #require(ProcessMemory.peak(getpid())) > 1 << 20)
    }

    @Test func `a process that is not there has used nothing`() {
        let cpu = BenchedProcesses(postgres: nil, client: getpid()).cpu
        #expect(cpu.coordinator == 0 && cpu.worker == 0 && cpu.postgres == 0)
        #expect(cpu.client >= 0 && cpu.machine > 0 && cpu.ours == cpu.client)
    }

    @Test func `idle time is no busy time`() {
        #expect(MachineState.busyTicks("cpu  10 20 30 99999 99999 1 2 3 7 8\ncpu0 1 1 1 1 1 1 1 1 1 1\n") == 66)
        #expect(MachineState.busyTicks("cpu0 1 2") == nil)
        #expect(MachineState.load("9.84 12.10 10.70 3/400 4711\n") == 9.84)
        #expect(MachineState.current.cores >= 1)
    }

    @Test func `the peak is found among the other figures`() {
        let status = "Name:\tbatchd\nVmPeak:\t  999999 kB\nVmHWM:\t   12345 kB\nVmRSS:\t   11111 kB\n"
        #expect(ProcessMemory.peak(status: status) == 12_345 << 10)
        #expect(ProcessMemory.peak(status: "Name:\tkthreadd\n") == nil)
    }

    @Test(arguments: [
        ("postgres: shardline: checkpointer ", "postgres checkpointer"),
        ("postgres: shardline: background writer", "postgres background writer"),
        ("postgres: shardline: autovacuum worker postgres", "postgres autovacuum worker"),
        ("postgres: shardline: shardline postgres [local] COPY", "postgres session"),
        ("postgres: shardline: shardline postgres [local] idle in transaction\0\0", "postgres session"),
        ("/usr/lib/postgresql/15/bin/postgres\0-D\0/x", "postgres server"),
    ])
    func `a process of PostgreSQL is told by its title`(title: String, kind: String) {
        #expect(ProcessMemory.postgresKind(title: title) == kind)
    }

    @Test func `a worker's account needs every field`() throws {
        var fields = [
            "message": "the worker ends", "shards_claimed": "391", "claim_seconds": "0.84", "calls": "100000",
            "call_seconds": "12.5", "checkpoints": "400", "record_seconds": "2.25", "claim_cpu_seconds": "0.1",
            "record_cpu_seconds": "0.2",
        ]
        let account = try #require(WorkerAccount(fields))
        #expect(account.shardsClaimed == 391 && account.calls == 100_000 && account.recordSeconds == 2.25)
        fields["checkpoints"] = nil
        #expect(WorkerAccount(fields) == nil)
    }
}
