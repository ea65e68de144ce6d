// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What the kernel counts of one process: `/proc/PID/stat`. (proc(5))
struct ProcessStat: Hashable, Sendable {
    /// Process id.
    let pid: Int32
    /// The program's name as the kernel keeps it, at most 15 bytes; may hold blanks and brackets.
    let name: String
    /// Process id of the parent.
    let parent: Int32
    /// Clock ticks on a processor, user and system together.
    let ticks: Int64
    /// The same of children that have ended and were waited for, and of theirs.
    let endedChildrenTicks: Int64

    /// Clock ticks of one second.
    static let ticksPerSecond = max(Int64(sysconf(Int32(_SC_CLK_TCK))), 1)

    /// Reads the text of the file; nil when it has another form.
    init?(_ text: String) {
        // The name is the only field that may hold anything: it ends at the last bracket of the line.
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close,
            let pid = Int32(text[..<open].filter { $0 != " " })
        else { return nil }
        let fields = text[text.index(after: close)...].split { $0 == " " || $0 == "\n" }
        // Field 3 of proc(5), the state, comes first here; 4 is the parent, 14…17 are the times.
        guard fields.count > 14, let parent = Int32(fields[1]) else { return nil }
        let times = fields[11...14].compactMap { Int64($0) }
        guard times.count == 4 else { return nil }
        self.pid = pid
        self.name = String(text[text.index(after: open)..<close])
        self.parent = parent
        self.ticks = times[0] + times[1]
        self.endedChildrenTicks = times[2] + times[3]
    }

    /// The process as it stands; nil when it has ended.
    static func read(_ pid: Int32) -> ProcessStat? {
        DirectoryEntries.text(of: "/proc/\(pid)/stat").flatMap(ProcessStat.init)
    }

    /// The children of `parent` that live.
    static func children(of parent: Int32) -> [ProcessStat] {
        DirectoryEntries.names(in: "/proc").compactMap { Int32($0) }.compactMap(read).filter { $0.parent == parent }
    }
}
