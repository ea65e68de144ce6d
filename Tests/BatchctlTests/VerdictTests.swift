// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BatchClient
import Testing

@testable import batchctl

struct VerdictTests {
    private func verdict(_ arguments: String...) -> Verdict? {
        do {
            var command = try BatchctlCommand.parseAsRoot(arguments)
            // The parser's own commands, such as help, tell what they have to tell by throwing.
            if !(command is any AsyncParsableCommand) { try command.run() }
            return nil
        } catch {
            return Verdict(of: error)
        }
    }

    @Test func `wrong usage is one line with the way to the help`() {
        #expect(
            verdict("status")
                == .failed(
                    .usage,
                    "batchctl: Missing expected argument '<id>'. See 'batchctl status --help' for more information."))
        #expect(
            verdict("list", "--limit", "0")
                == .failed(
                    .usage,
                    "batchctl: --limit must be at least 1, not 0. See 'batchctl list --help' for more information."))
    }

    @Test(arguments: [
        ["submit"], ["submit", "a", "--file-id", "f", "--endpoint", "/v1/x"], ["submit", "--file-id", "f"],
        ["submit", "a", "--endpoint", "v1"], ["submit", "a", "--watch", "--wait"], ["submit", "a", "-o", "b"],
        ["submit", "a", "--window", "soon"], ["submit", "a", "--metadata", "b"],
        ["submit", "a", "--metadata", "b=1", "--metadata", "b=2"], ["validate", "a", "--max-lines=-1"],
        ["frobnicate"], ["completions", "tcsh"], ["list", "--format", "xml"],
    ])
    func `what makes no sense is refused before anything happens`(arguments: [String]) {
        var status: batchctl.ExitStatus?
        do {
            _ = try BatchctlCommand.parseAsRoot(arguments)
        } catch {
            if case .failed(let found, _) = Verdict(of: error) { status = found }
        }
        #expect(status == .usage)
    }

    @Test func `help goes to standard output and lists every exit status`() throws {
        guard case .help(let text) = verdict("--help") else {
            Issue.record("--help is no help")
            return
        }
        for status in ExitStatus.allCases { #expect(text.contains(" \(status.rawValue)  \(status.meaning)")) }
        for line in text.split(separator: "\n") { #expect(line.count <= 80) }
    }

    @Test func `options of the server may stand before or behind the command`() throws {
        for arguments in [["--url", "http://h:1", "files", "list"], ["files", "list", "--url", "http://h:1"]] {
            let command = try #require(try BatchctlCommand.parseAsRoot(arguments) as? FilesListCommand)
            #expect(command.global.url == "http://h:1")
        }
    }

    @Test func `faults have statuses of their own`() {
        let refusal = Refusal(status: 404, message: "No such batch.", requestID: "req_1")
        #expect(
            Verdict(of: ClientError.refused(refusal, doing: "look up batch x"))
                == .failed(.refused, "batchctl: look up batch x: No such batch (HTTP 404, request req_1)"))
        #expect(
            Verdict(of: ClientError.unreachable(server: "http://h:1", why: nil))
                == .failed(
                    .unreachable,
                    "batchctl: nothing answers at http://h:1: is batchd running? Set --url or SHARDLINE_URL"))
        #expect(Verdict(of: ClientError.outputClosed) == .silentPipe)
        #expect(Verdict(of: CancellationError()) == .failed(.interrupted, "batchctl: interrupted"))
        #expect(Verdict(of: CommandFailure(.linesFailed)) == .failed(.linesFailed, nil))
    }

    @Test func `numbers of exit statuses are distinct`() {
        #expect(Set(ExitStatus.allCases.map(\.rawValue)).count == ExitStatus.allCases.count)
    }
}

struct EnvironmentTests {
    private func environment(_ variables: [String: String]) -> Environment { Environment { variables[$0] } }

    @Test func `our own variables go before OpenAI's, and empty ones do not count`() {
        let both = environment([
            "SHARDLINE_URL": "http://a", "OPENAI_BASE_URL": "http://b/v1", "SHARDLINE_API_KEY": "",
            "OPENAI_API_KEY": "k",
        ])
        #expect(both.url == "http://a")
        #expect(both.apiKey == "k")
        #expect(environment(["OPENAI_BASE_URL": "http://b/v1"]).url == "http://b/v1")
        #expect(environment([:]).url == nil)
    }

    @Test func `the option goes before the environment, the default comes last`() throws {
        let none = try GlobalOptions.parse([])
        let given = try GlobalOptions.parse(["--url", "http://option:1/v1/"])
        let set = environment(["SHARDLINE_URL": "http://variable:2"])
        #expect(try given.address(set).base == "http://option:1/v1")
        #expect(try none.address(set).base == "http://variable:2/v1")
        #expect(try none.address(environment([:])).base == "http://127.0.0.1:8080/v1")
    }
}
