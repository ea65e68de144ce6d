// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A program that runs as a child of the test process, as the broker's user when that process runs as root.
struct ChildProgram {
    /// The child's process id, the same through all programs that it becomes.
    let pid: pid_t
    /// Where its output goes.
    let output: String

    /// The user that Debian's package makes for the broker.
    static let userName = "rabbitmq"

    /// Starts it with nothing to read, in its home folder, with `environment` and nothing else.
    init(_ program: String, _ arguments: [String], environment: [String: String], output: String) throws {
        var command = [program] + arguments
        if geteuid() == 0 {
            let user = ["--reuid=\(Self.userName)", "--regid=\(Self.userName)", "--init-groups"]
            command = [try Self.path(of: "setpriv")] + user + command
        }
        // Not in the test process's folder, which the user may not be allowed to enter.
        if let home = environment["HOME"] { command = [try Self.path(of: "env"), "--chdir=\(home)"] + command }
        pid = try Self.spawn(command, environment: environment, input: nil, output: output, ownGroup: false)
        self.output = output
    }

    /// Whether it has ended; then its process id is free and must not be used any more.
    var hasEnded: Bool {
        var status: CInt = 0
        let result = waitpid(pid, &status, WNOHANG)
        return result == pid || (result < 0 && errno == ECHILD)
    }

    /// Sends a signal and waits for the end.
    func end(with signal: CInt, within limit: Duration) throws {
        guard kill(pid, signal) == 0, Eventually.isTrue(within: limit, { hasEnded }) else {
            throw BrokerTestingError("process \(pid) is still there \(limit) after signal \(signal)\n\(outputEnd)")
        }
    }

    /// The last lines of its output.
    var outputEnd: String {
        guard let file = fopen(output, "r") else { return "" }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        fseek(file, max(0, ftell(file) - 4096), SEEK_SET)
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// Absolute path of a program in one of `folders` or on PATH.
    static func path(of program: String, first folders: [String] = []) throws -> String {
        let search = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        let all = folders + search.split(separator: ":").map(String.init) + ["/usr/sbin"]
        guard let folder = all.first(where: { access("\($0)/\(program)", X_OK) == 0 }) else {
            throw BrokerTestingError(
                "\(program) is not installed: install RabbitMQ (apt-get install rabbitmq-server), or run "
                    + "Deploy/install --tests")
        }
        return "\(folder)/\(program)"
    }

    /// Starts `command`; standard input from `input` or from nowhere, standard output and error to the file `output`.
    static func spawn(
        _ command: [String], environment: [String: String], input: CInt?, output: String, ownGroup: Bool
    ) throws -> pid_t {
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
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Whatever the calling thread blocks or ignores, the program shall hear its signals.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (ownGroup ? POSIX_SPAWN_SETPGROUP : 0)
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var argv = command.map { strdup($0) } + [nil]
        var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid = pid_t()
        let status = posix_spawn(&pid, command[0], &actions, &attributes, &argv, &envp)
        guard status == 0 else {
            throw BrokerTestingError("cannot start \(command[0]): \(String(cString: strerror(status)))")
        }
        return pid
    }
}
