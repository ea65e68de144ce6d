// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Finds the programs of the PostgreSQL server, which Debian keeps off PATH.
enum Programs {
    /// Absolute path of a program: on PATH, or in the newest installed server version.
    static func path(of program: String) throws -> String {
        let search = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        let folders = search.split(separator: ":").map(String.init) + serverFolders + ["/usr/local/pgsql/bin"]
        guard let folder = folders.first(where: { access("\($0)/\(program)", X_OK) == 0 }) else {
            throw PrivatePostgresError(
                "\(program) is not installed: install PostgreSQL's server (apt-get install postgresql) "
                    + "or set \(PrivatePostgres.environmentKey)")
        }
        return "\(folder)/\(program)"
    }

    private static var serverFolders: [String] {
        let root = "/usr/lib/postgresql"
        guard let directory = opendir(root) else { return [] }
        defer { closedir(directory) }
        var versions: [Int] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let version = Int(name) { versions.append(version) }
        }
        return versions.sorted(by: >).map { "\(root)/\($0)/bin" }
    }
}
