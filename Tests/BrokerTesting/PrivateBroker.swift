// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// A RabbitMQ broker of the tests' own: in a temporary folder, on free ports of the loopback address, with a port
/// mapper (epmd) of its own.
///
/// It dies with the test process, however that ends: a watcher shell holds the read end of a pipe whose write end is
/// here, and ends the processes and removes the folder when the pipe closes. Its functions block.
package final class PrivateBroker: Sendable {
    /// The user who may do everything in vhost `/`.
    package static let user = "shardline"
    /// With much that has to be percent-encoded in a URL.
    package static let password = "p:a/s@s%?w"
    private static let encodedPassword = "p%3Aa%2Fs%40s%25%3Fw"

    private struct Processes {
        var portMapper: ChildProgram?
        var broker: ChildProgram?
    }

    private let folder: BrokerFolder
    private let watcher: BrokerWatcher
    private let ports: (plain: Int, encrypted: Int, portMapper: Int, distribution: Int)
    private let isEncrypted: Bool
    private let processes = Mutex(Processes())
    private static let sharedBroker = Result { try PrivateBroker() }
    /// A cold start on a busy machine.
    private static let startLimit: Duration = .seconds(120)
    private static let stopLimit: Duration = .seconds(60)

    /// Starts a broker; returns when it accepts a login. Takes some five seconds.
    ///
    /// - Parameters:
    ///   - settings: more lines of its settings file (rabbitmq.conf), for example
    ///     `vm_memory_high_watermark.absolute = 1MB`, which blocks publishers.
    ///   - isEncrypted: whether it also listens with TLS, see `encryptedURL`.
    package init(settings: [String] = [], isEncrypted: Bool = false) throws {
        folder = try BrokerFolder()
        // Before anything is started, so that nothing is ever left without a watcher.
        watcher = try BrokerWatcher(folder: folder.path)
        let found = try FreePorts.find(4)
        ports = (found[0], found[1], found[2], found[3])
        self.isEncrypted = isEncrypted
        var lines = [
            "listeners.tcp.1 = 127.0.0.1:\(ports.plain)", "default_user = \(Self.user)",
            "default_pass = \(Self.password)", "log.console = false",
        ]
        if isEncrypted {
            try BrokerCertificate.make(in: folder)
            lines += [
                "listeners.ssl.1 = 127.0.0.1:\(ports.encrypted)", "ssl_options.verify = verify_none",
                "ssl_options.certfile = \(folder.path)/certificate.pem",
                "ssl_options.keyfile = \(folder.path)/key.pem",
            ]
        }
        try folder.write("rabbitmq.conf", lines + settings)
        try folder.write("enabled_plugins", ["[]."])
        try folder.write("environment.conf", [])
        try start()
    }

    deinit {
        let processes = processes.withLock { $0 }
        for program in [processes.broker, processes.portMapper].compactMap(\.self) {
            Glibc.kill(program.pid, SIGKILL)
            // What is still there is the watcher's.
            _ = Eventually.isTrue(within: .seconds(5)) { program.hasEnded }
        }
        watcher.release()
    }

    /// The one broker that the tests of a process share. Do not stop or kill it: other tests use it at the same time.
    package static func shared() throws -> PrivateBroker { try sharedBroker.get() }

    /// The AMQP URL of a vhost for the user who may do everything.
    package var url: String { url(user: Self.user, encodedPassword: Self.encodedPassword, vhost: "%2F") }

    /// An AMQP URL of this broker; all parts are percent-encoded already.
    package func url(user: String, encodedPassword: String, vhost: String) -> String {
        "amqp://\(user):\(encodedPassword)@127.0.0.1:\(ports.plain)/\(vhost)"
    }

    /// The amqps URL; it names the authority that signed the broker's certificate when `isTrusted`.
    package func encryptedURL(host: String = "localhost", isTrusted: Bool = true) -> String {
        let authority = isTrusted ? "?cacertfile=\(folder.path)/certificate.pem" : ""
        return "amqps://\(Self.user):\(Self.encodedPassword)@\(host):\(ports.encrypted)/%2F\(authority)"
    }

    /// Process id of the broker; nil when it does not run.
    package var pid: Int32? { processes.withLock { $0.broker?.pid } }

    /// A new connection for looking into queues.
    package func client() throws -> BrokerClient {
        try BrokerClient(port: ports.plain, user: Self.user, password: Self.password)
    }

    /// Stops the broker in good order; returns when it is down. Its data and its ports stay.
    package func stop() throws { try end(with: SIGTERM) }

    /// Kills the broker with SIGKILL, as a crash would; returns when it is gone. Its data and its ports stay.
    package func kill() throws { try end(with: SIGKILL) }

    /// Starts the broker again on the same data and ports, stopping it first when it runs; returns when it accepts a
    /// login.
    package func restart() throws {
        if pid != nil { try stop() }
        try start()
    }

    /// Stops the broker's process in its tracks: its sockets stay open and nothing answers.
    package func freeze() throws { try signal(SIGSTOP) }

    /// Lets it go on.
    package func thaw() throws { try signal(SIGCONT) }

    private func signal(_ signal: CInt) throws {
        guard let pid, Glibc.kill(pid, signal) == 0 else { throw BrokerTestingError("there is no broker to signal") }
    }

    private func end(with signal: CInt) throws {
        guard let broker = processes.withLock({ $0.broker }) else {
            throw BrokerTestingError("there is no broker to stop")
        }
        try broker.end(with: signal, within: Self.stopLimit)
        folder.remove("broker.pid")
        processes.withLock { $0.broker = nil }
    }

    private func start() throws {
        try startPortMapper()
        let program = try ChildProgram.path(of: "rabbitmq-server", first: ["/usr/lib/rabbitmq/bin"])
        // A name of its own: the port mapper is private, but a crashed node's data must be found again.
        var environment = baseEnvironment
        environment.merge([
            "RABBITMQ_NODENAME": "shardline@localhost", "RABBITMQ_DIST_PORT": "\(ports.distribution)",
            "RABBITMQ_MNESIA_BASE": "\(folder.path)/data", "RABBITMQ_LOG_BASE": "\(folder.path)/log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": "\(folder.path)/enabled_plugins",
            "RABBITMQ_CONFIG_FILE": "\(folder.path)/rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": "\(folder.path)/environment.conf",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +S 2:2",
            // Makes the script become the broker instead of waiting for it, so that the process id is the broker's.
            "detached": "1",
        ]) { _, new in new }
        let broker = try ChildProgram(program, [], environment: environment, output: "\(folder.path)/broker.log")
        processes.withLock { $0.broker = broker }
        try folder.write("broker.pid", ["\(broker.pid)"])
        var last = ""
        let isUp = try Eventually.isTrue(within: Self.startLimit) {
            if broker.hasEnded {
                processes.withLock { $0.broker = nil }
                throw BrokerTestingError("the broker ended while it started\n\(broker.outputEnd)")
            }
            do {
                _ = try client()
                return true
            } catch {
                last = "\(error)"
                return false
            }
        }
        guard isUp else {
            throw BrokerTestingError("no login after \(Self.startLimit): \(last)\n\(broker.outputEnd)")
        }
    }

    private func startPortMapper() throws {
        guard processes.withLock({ $0.portMapper == nil }) else { return }
        let mapper = try ChildProgram(
            ChildProgram.path(of: "epmd"), ["-address", "127.0.0.1", "-port", "\(ports.portMapper)"],
            environment: baseEnvironment, output: "\(folder.path)/epmd.log")
        processes.withLock { $0.portMapper = mapper }
        try folder.write("epmd.pid", ["\(mapper.pid)"])
    }

    private var baseEnvironment: [String: String] {
        [
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": folder.path, "LANG": "C.UTF-8",
            "ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": "\(ports.portMapper)",
        ]
    }
}
