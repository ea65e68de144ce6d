// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// How many files and sockets the program may have open.
enum OpenFiles {
    /// Raises the limit as far as the system lets everybody, and returns it.
    static func raised() -> Int {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return 1_024 }
        let before = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        let isRaised = setrlimit(resource, &limit) == 0
        return Int(clamping: isRaised ? limit.rlim_max : before)
    }
}
