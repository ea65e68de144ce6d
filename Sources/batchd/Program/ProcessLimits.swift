// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What a server process sets for itself before anything else.
enum ProcessLimits {
    /// Raises the soft limit of open files to the hard one, and ignores SIGPIPE: writing to a connection that is gone
    /// is an error of that connection only.
    static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max
        else {
            return
        }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Files and sockets that this process may have open at once.
    static var openFilesMax: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1_024 }
        return Int(clamping: limit.rlim_cur)
    }
}
