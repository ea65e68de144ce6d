// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A backend without latency: nginx, one process, the same chat completion for every request.
final class NginxServer: Sendable {
    /// Its base URL.
    let url: String
    private let process: ChildProcess
    private let directory: BenchDirectory

    /// Longest time from its start to its first answer, and for its end.
    private static let limit = Duration.seconds(10)
    /// Bytes of the answer's text, so that the whole answer has about 600.
    private static let textBytes = 400

    private init(url: String, process: ChildProcess, directory: BenchDirectory) {
        self.url = url
        self.process = process
        self.directory = directory
    }

    /// Starts `program` on a free port with a directory of its own inside `parent`, and waits until it answers.
    static func start(_ program: String, in parent: String) async throws -> NginxServer {
        let port = try freePort()
        let directory = try BenchDirectory.make(in: parent)
        let path = directory.path + "/nginx.conf"
        let log = directory.path + "/nginx.log"
        try PlainFile.write(Self.configuration(port: port, directory: directory.path), to: path, permissions: 0o644)
        let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw PrivateClusterError.system("write", log, code: errno) }
        defer { close(output) }
        let process = try ChildProcess.start(
            [program, "-p", directory.path, "-c", path, "-e", "stderr"], environment: [:], output: output)
        let deadline = ContinuousClock.now + limit
        while !accepts(port) {
            guard ContinuousClock.now < deadline, process.ending == nil else {
                throw BenchFault("nginx does not answer:\n\(DirectoryEntries.tail(of: log))")
            }
            _ = await process.wait(upTo: .milliseconds(20))
        }
        return NginxServer(url: "http://127.0.0.1:\(port)/v1", process: process, directory: directory)
    }

    /// Processor seconds it has used.
    var cpuSeconds: Double {
        Double(ProcessStat.read(process.pid)?.ticks ?? 0) / Double(ProcessStat.ticksPerSecond)
    }

    /// Ends it and removes its directory.
    func stop() async {
        process.signal(SIGTERM)
        if await process.wait(upTo: Self.limit) == nil { process.signal(SIGKILL) }
        directory.remove()
    }

    private static func configuration(port: UInt16, directory: String) -> String {
        let text = String(repeating: "word ", count: textBytes / 5)
        let answer = """
            {"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"bench",\
            "choices":[{"index":0,"message":{"role":"assistant","content":"\(text)"},"finish_reason":"stop"}],\
            "usage":{"prompt_tokens":20,"completion_tokens":80,"total_tokens":100}}
            """
        return """
            daemon off; master_process off; worker_processes 1; pid \(directory)/nginx.pid;
            events { worker_connections 4096; }
            http {
                access_log off; keepalive_requests 100000000; keepalive_timeout 600s; client_max_body_size 16m;
                client_body_temp_path \(directory)/nginx-body; proxy_temp_path \(directory)/nginx-proxy;
                fastcgi_temp_path \(directory)/nginx-fastcgi; uwsgi_temp_path \(directory)/nginx-uwsgi;
                scgi_temp_path \(directory)/nginx-scgi;
                server {
                    listen 127.0.0.1:\(port) backlog=4096;
                    location / { default_type application/json; return 200 '\(answer)'; }
                }
            }

            """
    }

    /// A port that nobody listens on at this moment.
    private static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw BenchFault("no socket: error \(errno)") }
        defer { close(descriptor) }
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw BenchFault("no free port: error \(errno)") }
        return UInt16(bigEndian: address.sin_port)
    }

    private static func accepts(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = loopback(port: port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}
