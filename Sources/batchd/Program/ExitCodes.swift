// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BatchFiles
import BatchStore
import Postgres

/// The exit codes of batchd, documented in `batchd --help`.
enum ExitCodes {
    /// Everything as asked, a stop by signal included.
    static let success: Int32 = 0
    /// A service failed, or a check found something wrong.
    static let failure: Int32 = 1
    /// `migrate --check`: migrations are missing.
    static let pending: Int32 = 2
    /// Wrong usage; ArgumentParser's own.
    static let usage: Int32 = 64
    /// The database cannot be reached, or PostgreSQL's programs are not installed.
    static let unavailable: Int32 = 69
    /// Another batchd uses the data directory.
    static let inUse: Int32 = 75
    /// The settings cannot be used.
    static let configuration: Int32 = 78

    /// The paragraph of `--help`.
    static let help = """
        EXIT CODES
          0  done, or stopped by a signal
          1  a service failed, or a check found something wrong
          2  migrate --check: migrations are missing
          64 wrong usage
          69 the database is not reachable, or PostgreSQL is not installed
          75 the data directory is in use by another batchd
          78 the settings cannot be used
        """

    /// The code for an error that ends the program.
    static func code(for error: any Error) -> Int32 {
        switch error {
        case let fault as ProgramFault: fault.exitCode
        case is SettingsError: configuration
        case let error as PrivateClusterError:
            switch error.kind {
            case .missing: unavailable
            case .inUse: inUse
            case .refused, .failed: failure
            }
        case let error as PostgresError where error.isConnectionLost: unavailable
        default: failure
        }
    }
}

/// An error that ends the program with a code of its own.
struct ProgramFault: Error, Hashable, CustomStringConvertible {
    /// See ``ExitCodes``.
    let exitCode: Int32
    /// The thing, the place, the way out.
    let description: String
}
