// SPDX-License-Identifier: Apache-2.0

import ServerTesting
import Testing

/// The official OpenAI Python SDK, unmodified and with strict validation of every answer, is the client.
@Suite(.serialized) struct OpenAISDKTests {
    /// One check of a script in Tests/Python.
    struct Check: CustomTestStringConvertible {
        /// Its name there.
        let name: String
        /// What holds when it succeeds.
        let testDescription: String
        /// Workers of the server it needs.
        var workers = 1
        /// Settings of the server it needs, `name=value`.
        var settings: [String] = []
        /// The script that has it.
        var script = "openai_sdk.py"
    }

    private static let local = ["outbound.allow=127.0.0.1"]

    private static let checks = [
        Check(name: "files", testDescription: "files are created, listed page by page, read and deleted"),
        Check(name: "file_expiry", testDescription: "uploads expire when they say so"),
        Check(name: "batch", testDescription: "a batch goes from upload to results"),
        Check(name: "batch_list", testDescription: "the list of batches pages without loss or repetition"),
        Check(name: "metadata", testDescription: "metadata follows OpenAI's rules"),
        Check(name: "errors", testDescription: "errors become the exceptions users catch, and conflicts one attempt"),
        Check(name: "unknown_input", testDescription: "a batch of an unknown file is accepted and fails"),
        Check(name: "bad_lines", testDescription: "problems of lines come with line, code and param"),
        Check(name: "models", testDescription: "models are listed and found"),
        Check(name: "repeated_create", testDescription: "a repeated create makes one batch"),
        Check(name: "cancel", testDescription: "a batch that nobody works on can be cancelled", workers: 0),
        Check(name: "pause", testDescription: "batches can be paused and given a priority", workers: 0),
        Check(name: "retry", testDescription: "what a batch left out becomes a batch of its own", workers: 0),
        Check(name: "async", testDescription: "the asynchronous client works with several calls at once"),
    ]

    private static let webhookChecks = [
        Check(
            name: "webhooks", testDescription: "webhook endpoints are managed, and what they are sent is unwrapped",
            settings: local, script: "openai_webhooks.py"),
        Check(
            name: "webhook_rotation", testDescription: "a rotated secret overlaps with the old one when asked to",
            settings: local, script: "openai_webhooks.py"),
        Check(
            name: "webhook_refusals", testDescription: "what an endpoint may not be is refused with a reason",
            script: "openai_webhooks.py"),
    ]

    private static let remoteChecks = [
        Check(
            name: "remote", testDescription: "a batch reads from one URL and writes to another", settings: local,
            script: "openai_remote.py")
    ]

    @Test(arguments: checks + webhookChecks + remoteChecks)
    func `the OpenAI SDK finds that`(_ check: Check) async throws {
        try await withScratch { scratch in
            let server = try await Standalone.start(
                in: scratch,
                arguments: ["--workers", String(check.workers)] + check.settings.flatMap { ["--set", $0] }
            ).server
            let process = try ChildProcess(
                Products.python(),
                [Products.script(check.script), check.name, "--url", server.url, "--key", server.key],
                environment: ["NO_PROXY": "127.0.0.1"], name: check.name, in: scratch)
            #expect(try await process.end(within: .seconds(180)) == .exited(0), "\(process.errors)")
        }
    }
}
