// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

/// Runs tests where nothing can leave the machine: in a child of the test program that has a network namespace with
/// nothing but loopback, and files of its own in place of those that say how names are resolved.
enum NetworkOfItsOwn {
    /// Why this machine does not permit it; nil when it does, and in the child.
    static let refusal: String? = {
        // A network whose loopback is still down is no place for Foundation's processes.
        if report != nil { return nil }
        if !FileManager.default.fileExists(atPath: "/proc/net/if_inet6") { return "no IPv6" }
        let errors = Pipe()
        let probe = Process()
        probe.executableURL = URL(filePath: "/usr/bin/env")
        probe.arguments = unshare + ["mount", "--bind", "/etc/hosts", "/etc/hosts"]
        probe.standardError = errors
        let ended = DispatchSemaphore(value: 0)
        probe.terminationHandler = { _ in ended.signal() }
        do {
            try probe.run()
        } catch {
            return "\(error)"
        }
        let words = errors.fileHandleForReading.readDataToEndOfFile()
        guard ended.wait(timeout: .now() + 30) == .success else { return "unshare does not end" }
        return probe.terminationStatus == 0 ? nil : "no namespaces: \(String(decoding: words, as: UTF8.self))"
    }()

    /// Root may make namespaces; others need one of users first, if the system lets them.
    private static var unshare: [String] {
        ["unshare", "--net", "--mount"] + (geteuid() == 0 ? [] : ["--user", "--map-root-user"])
    }

    /// Where the child reports; set in the child only.
    private static let reportVariable = "SHARDLINE_TEST_NETWORK_REPORT"
    private static var report: String? { ProcessInfo.processInfo.environment[reportVariable] }

    /// Runs `body` of the present test in the child. The test must not have arguments.
    ///
    /// - Parameter hosts: lines of the hosts file.
    static func run(hosts: [String] = [], _ body: () async throws -> Void) async throws {
        if let report {
            try Loopback.up()
            for address in HostileNetwork.addresses { try Loopback.add(address) }
            try await body()
            try Data("done".utf8).write(to: URL(filePath: report))
            return
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "network-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = [
            "resolv.conf": "nameserver 127.0.0.1\noptions timeout:2 attempts:1\n",
            "nsswitch.conf": "hosts: files dns\n",
            "hosts": (["127.0.0.1 localhost", "::1 localhost"] + hosts).joined(separator: "\n") + "\n",
        ]
        for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
        let output = try await child(folder)
        let isDone = FileManager.default.fileExists(atPath: folder.appending(path: "report").path)
        #expect(output.status == 0 && isDone, "the test in a network of its own failed:\n\(output.text)")
    }

    private static func child(_ folder: URL) async throws -> (status: Int32, text: String) {
        let test = try #require(Test.current)
        // A regular expression that matches the test's identity, whatever characters are in its name.
        let place = "\(test.id)"
        let identity = place.prefix(upTo: place.lastIndex(of: "/") ?? place.endIndex)
        let filter = String(identity.map { $0.isLetter || $0.isNumber ? $0 : "." })
        let mount = #"""
            for name in resolv.conf nsswitch.conf hosts; do
                [ -e "/etc/$name" ] || [ $name != nsswitch.conf ] || continue
                mount --bind "$0/$name" "/etc/$name" || exit 90
            done
            exec "$@"
            """#
        // The link itself cannot be followed from another namespace of users.
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let output = folder.appending(path: "output")
        try Data().write(to: output)
        let handle = try FileHandle(forWritingTo: output)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            ["timeout", "--kill-after=5", "120"] + unshare + ["sh", "-c", mount, folder.path, program]
            + ["--testing-library", "swift-testing", "--filter", filter]
        process.environment = ProcessInfo.processInfo.environment.merging(
            [reportVariable: folder.appending(path: "report").path, "TMPDIR": folder.path], uniquingKeysWith: { $1 })
        process.standardOutput = handle
        process.standardError = handle
        let status = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        return (status, String(decoding: try Data(contentsOf: output), as: UTF8.self))
    }
}

/// The one interface of the network. (netdevice(7))
private enum Loopback {
    private struct Failure: Error {
        let action: String
        let code: CInt
    }

    private static let readFlags: UInt = 0x8913
    private static let setFlags: UInt = 0x8914
    private static let setAddress: UInt = 0x8916
    private static let setMask: UInt = 0x891C

    static func up() throws {
        var request = interface("lo")
        try call(AF_INET, readFlags, &request, "read the flags of lo")
        request[16] |= UInt8(IFF_UP)
        try call(AF_INET, setFlags, &request, "set lo up")
    }

    /// Gives the interface another address.
    static func add(_ text: String) throws {
        var address = in6_addr()
        if inet_pton(AF_INET6, text, &address) == 1 {
            // struct in6_ifreq: the address, the length of the prefix, the number of the interface, always 1 for lo.
            var request = withUnsafeBytes(of: address) { Array($0) }
            for number in [CInt(128), 1] { withUnsafeBytes(of: number) { request += $0 } }
            try call(AF_INET6, setAddress, &request, "add \(text)")
        } else {
            // An alias has an address; its name ends in its number.
            let octets = text.split(separator: ".").compactMap { UInt8($0) }
            var request = interface("lo:" + octets.suffix(3).map(String.init).joined().suffix(9))
            request[16] = UInt8(AF_INET)
            request.replaceSubrange(20..<24, with: octets)
            try call(AF_INET, setAddress, &request, "add \(text)")
            // Else every address of the old class C (and A, and B) would be this machine's.
            request.replaceSubrange(20..<24, with: [255, 255, 255, 255])
            try call(AF_INET, setMask, &request, "narrow \(text)")
        }
    }

    /// struct ifreq, 40 bytes: a name of 16, then what the call is about.
    private static func interface(_ name: String) -> [UInt8] {
        let bytes = Array(name.utf8)
        return bytes + [UInt8](repeating: 0, count: 40 - bytes.count)
    }

    private static func call(_ family: CInt, _ number: UInt, _ request: inout [UInt8], _ action: String) throws {
        let descriptor = socket(family, CInt(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        let code = request.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { ioctl(descriptor, number, $0) } ?? -1
        }
        if code != 0 { throw Failure(action: action, code: errno) }
    }
}
