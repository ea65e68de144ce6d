// SPDX-License-Identifier: Apache-2.0

/// Processor seconds that the processes of a bench have used up to one moment, or between two.
struct CPUReading: Hashable, Sendable {
    /// `batchd coordinator`.
    var coordinator = 0.0
    /// `batchd worker`.
    var worker = 0.0
    /// The server and all its processes, ended ones included.
    var postgres = 0.0
    /// The bench itself, which is the API's client.
    var client = 0.0
    /// Everything on this machine, whoever it belongs to.
    var machine = 0.0

    /// What the bench's own processes used together.
    var ours: Double { coordinator + worker + postgres + client }

    /// What was used between two readings.
    static func - (later: CPUReading, earlier: CPUReading) -> CPUReading {
        later.combined(earlier) { $0 - $1 }
    }

    /// What was used in two spans together.
    static func + (one: CPUReading, other: CPUReading) -> CPUReading {
        one.combined(other) { $0 + $1 }
    }

    private func combined(_ other: CPUReading, _ combine: (Double, Double) -> Double) -> CPUReading {
        CPUReading(
            coordinator: combine(coordinator, other.coordinator), worker: combine(worker, other.worker),
            postgres: combine(postgres, other.postgres), client: combine(client, other.client),
            machine: combine(machine, other.machine))
    }
}

/// The processes that a bench looks at.
struct BenchedProcesses: Hashable, Sendable {
    /// Every `batchd coordinator`.
    var coordinators: [Int32] = []
    /// Every `batchd worker`.
    var workers: [Int32] = []
    /// PostgreSQL's first process, the parent of the others.
    var postgres: Int32?
    /// The bench itself.
    var client: Int32

    /// What they have used up to now; a process that is not there has used nothing.
    var cpu: CPUReading {
        CPUReading(
            coordinator: Self.seconds(coordinators), worker: Self.seconds(workers), postgres: serverSeconds,
            client: Self.seconds(client), machine: MachineState.busySeconds)
    }

    /// Sessions come and go: the time of those that have ended is kept by their parent.
    private var serverSeconds: Double {
        guard let postgres, let server = ProcessStat.read(postgres) else { return 0 }
        let living = ProcessStat.children(of: postgres).reduce(0) { $0 + $1.ticks }
        return Self.seconds(server.ticks + server.endedChildrenTicks + living)
    }

    private static func seconds(_ pids: [Int32]) -> Double {
        pids.reduce(0) { $0 + seconds($1) }
    }

    private static func seconds(_ pid: Int32?) -> Double {
        seconds(pid.flatMap(ProcessStat.read)?.ticks ?? 0)
    }

    private static func seconds(_ ticks: Int64) -> Double {
        Double(ticks) / Double(ProcessStat.ticksPerSecond)
    }
}
