// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A program to run and wait for.
struct Command {
    /// Absolute path.
    let program: String
    /// Without the program's own name.
    let arguments: [String]
    /// File that gets its output; nil for the output of the test process.
    let output: String?

    /// Runs it; throws with the end of its output unless it exits with 0.
    func run() throws {
        let pid = try start(input: nil, ownGroup: false)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { throw PrivatePostgresError("cannot wait for \(program): errno \(errno)") }
        }
        guard status == 0 else {
            throw PrivatePostgresError(
                "\(program) \(arguments.joined(separator: " ")) ended with status \(status)\n\(outputEnd)")
        }
    }

    /// Starts it with `input` as its standard input (nil: nothing to read), in the root folder when output is taken.
    func start(input: Int32?, ownGroup: Bool) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        if let output {
            posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        if ownGroup { posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP)) }
        var argv = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for argument in argv { free(argument) } }
        var pid = pid_t()
        let status = posix_spawn(&pid, program, &actions, &attributes, &argv, environ)
        guard status == 0 else {
            throw PrivatePostgresError("cannot start \(program): \(String(cString: strerror(status)))")
        }
        return pid
    }

    private var outputEnd: String {
        guard let output, let file = fopen(output, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
