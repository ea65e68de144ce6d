// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The user that PostgreSQL runs as. It refuses to run as root, so for root it is somebody else.
struct ServerUser: Hashable, Sendable {
    /// Name in the system's user list; the number as text when it has none.
    let name: String
    /// User id.
    let uid: uid_t
    /// Primary group id.
    let gid: gid_t
    /// Whether commands must be started as that user, because we are root.
    let isOther: Bool

    /// Who runs the cluster in `directory`: we; or, when we are root, its present owner, else `postgres`, else
    /// `nobody`.
    static func choose(for directory: DataDirectory) throws -> ServerUser {
        let owner = DirectoryEntries.status(directory.cluster)?.owner
        let me = geteuid()
        guard me == 0 else {
            if let owner, owner != me {
                throw PrivateClusterError(
                    .refused,
                    """
                    \(directory.cluster) belongs to user \(find(uid: owner)?.name ?? String(owner)): start batchd as \
                    that user or as root, or choose another --data-dir
                    """)
            }
            return find(uid: me) ?? ServerUser(name: String(me), uid: me, gid: getegid(), isOther: false)
        }
        if let owner, owner != 0, let user = find(uid: owner) { return user }
        if let user = find(name: "postgres") ?? find(name: "nobody") { return user }
        throw PrivateClusterError(
            .missing,
            """
            PostgreSQL does not run as root, and there is neither a user postgres nor nobody: install the package \
            postgresql (apt-get install postgresql), or start batchd as an ordinary user
            """)
    }

    /// The name of the user that we are, as PostgreSQL's peer authentication sees it.
    static var ourName: String { find(uid: geteuid())?.name ?? String(geteuid()) }

    /// `command` as started by that user, in the root directory (our own may be closed to it) with umask 077.
    ///
    /// The process keeps its id through all replacements, so that it can be signalled and waited for as one.
    ///
    /// - Parameter passesDirectories: keeps the one capability to pass directories that are closed to the user.
    func command(_ command: [String], passesDirectories: Bool) -> [String] {
        let shell = ["/bin/sh", "-c", "umask 077; cd / && exec \"$@\"", "sh"]
        guard isOther else { return shell + command }
        var switched = ["setpriv", "--reuid", String(uid), "--regid", String(gid), "--init-groups"]
        if passesDirectories {
            switched += ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
        }
        return shell + switched + command
    }

    private static func find(name: String) -> ServerUser? {
        getpwnam(name).map { user($0.pointee) }
    }

    private static func find(uid: uid_t) -> ServerUser? {
        getpwuid(uid).map { user($0.pointee) }
    }

    private static func user(_ entry: passwd) -> ServerUser {
        ServerUser(
            name: String(cString: entry.pw_name), uid: entry.pw_uid, gid: entry.pw_gid,
            isOther: entry.pw_uid != geteuid())
    }
}
