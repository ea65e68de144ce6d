// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The folder of one private broker: its settings, data, logs and cookie.
struct BrokerFolder {
    /// Absolute path; also the home of the broker's processes.
    let path: String

    /// Makes the folder and gives it to the broker's user.
    init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = "\(parent)/shardline-amqp-XXXXXX".utf8CString.map { $0 }
        guard mkdtemp(&template) != nil else {
            throw BrokerTestingError("cannot make a folder in \(parent): \(String(cString: strerror(errno)))")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        for name in ["data", "log"] { mkdir("\(path)/\(name)", 0o755) }
        for name in ["", "/data", "/log"] { try give(path + name) }
    }

    /// Writes a file that the broker's user can read.
    func write(_ name: String, _ lines: [String]) throws {
        guard let file = fopen("\(path)/\(name)", "w") else {
            throw BrokerTestingError("cannot write \(path)/\(name): \(String(cString: strerror(errno)))")
        }
        fputs(lines.map { $0 + "\n" }.joined(), file)
        guard fclose(file) == 0 else {
            throw BrokerTestingError("cannot write \(path)/\(name): \(String(cString: strerror(errno)))")
        }
        try give("\(path)/\(name)")
    }

    /// Removes a file that may not be there.
    func remove(_ name: String) { unlink("\(path)/\(name)") }

    private func give(_ file: String) throws {
        guard geteuid() == 0 else { return }
        guard let user = getpwnam(ChildProgram.userName) else {
            throw BrokerTestingError(
                "there is no user \(ChildProgram.userName): install RabbitMQ (apt-get install rabbitmq-server)")
        }
        guard chown(file, user.pointee.pw_uid, user.pointee.pw_gid) == 0 else {
            throw BrokerTestingError("cannot give \(file) to user \(ChildProgram.userName)")
        }
    }
}
