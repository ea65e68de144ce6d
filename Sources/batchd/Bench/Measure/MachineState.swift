// SPDX-License-Identifier: Apache-2.0
import Glibc

/// How large the machine is and how busy: without it a duration says little.
struct MachineState: Hashable, Sendable {
    /// Processors that are switched on.
    let cores: Int
    /// Processes that ran or wanted to, averaged over the last minute.
    let load: Double

    /// The machine as it stands.
    static var current: MachineState {
        MachineState(
            cores: max(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 1),
            load: DirectoryEntries.text(of: "/proc/loadavg").flatMap(load) ?? 0)
    }

    /// Processor seconds of everything since the machine was started, idle time and waiting not counted.
    static var busySeconds: Double {
        let text = DirectoryEntries.text(of: "/proc/stat", limit: 4_096)
        return Double(text.flatMap(busyTicks) ?? 0) / Double(ProcessStat.ticksPerSecond)
    }

    /// The one-minute average of `/proc/loadavg`.
    static func load(_ text: String) -> Double? {
        text.split(separator: " ").first.flatMap { Double($0) }
    }

    /// Ticks of user, nice, system, interrupts and theft in the first line of `/proc/stat`. (proc(5))
    static func busyTicks(_ text: String) -> Int64? {
        let fields = text.prefix { $0 != "\n" }.split(separator: " ")
        guard fields.first == "cpu", fields.count > 8 else { return nil }
        // 4 and 5 are idleness; guests, from 9 on, are in user already.
        let busy = [1, 2, 3, 6, 7, 8].compactMap { Int64(fields[$0]) }
        return busy.count == 6 ? busy.reduce(0, +) : nil
    }
}
