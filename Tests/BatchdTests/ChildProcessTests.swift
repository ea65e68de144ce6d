// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import batchd

@Suite struct ChildProcessTests {
    private let environment = ["PATH": "/usr/bin:/bin", "ONLY": "this"]

    @Test func `a child sees the given environment and none of our files`() async throws {
        let held = open("/dev/null", O_RDONLY)
        defer { close(held) }
        let variables = try await CommandOutput.of(["/usr/bin/env"], environment: environment)
        #expect(variables.text == "ONLY=this\nPATH=/usr/bin:/bin")
        let files = try await CommandOutput.of(["/bin/ls", "/proc/self/fd"], environment: environment)
        // Standard input, output and error, and the directory that ls itself reads.
        #expect(files.text.split(separator: "\n") == ["0", "1", "2", "3"])
    }

    @Test func `a child ignores and blocks nothing that we do`() async throws {
        signal(SIGPIPE, SIG_IGN)
        let status = try await CommandOutput.of(["/bin/cat", "/proc/self/status"], environment: environment)
        for name in ["SigIgn", "SigBlk"] {
            let line = try #require(status.text.split(separator: "\n").first { $0.hasPrefix(name) })
            let mask = try #require(UInt64(line.split(separator: "\t").last ?? "", radix: 16))
            let ours = [SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGCHLD]
            #expect(ours.allSatisfy { mask & (1 << UInt64($0 - 1)) == 0 }, "\(name)")
        }
    }

    @Test func `endings are told apart`() async throws {
        #expect(try await CommandOutput.of(["/bin/sh", "-c", "exit 3"], environment: environment).ending == .exited(3))
        #expect(
            try await CommandOutput.of(["/bin/sh", "-c", "kill -9 $$"], environment: environment).ending
                == .killed(signal: SIGKILL))
        #expect(try await CommandOutput.of(["/no/such/program"], environment: environment).ending == nil)
    }

    @Test func `a command that takes too long is ended`() async throws {
        let output = try await CommandOutput.of(
            ["/bin/sleep", "600"], environment: environment, limit: .milliseconds(50))
        #expect(output.ending == nil)
    }

    @Test func `an ended child is not signalled`() async throws {
        let null = open("/dev/null", O_WRONLY)
        defer { close(null) }
        let child = try ChildProcess.start(["/bin/true"], environment: environment, output: null)
        #expect(await child.wait(upTo: .seconds(60)) == .exited(0))
        #expect(!child.signal(SIGTERM))
    }
}
