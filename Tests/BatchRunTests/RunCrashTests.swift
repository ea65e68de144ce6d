// SPDX-License-Identifier: Apache-2.0
import Foundation
import ServerTesting
import Testing

/// Real kills of the real program.
struct RunCrashTests {
    /// One line of the backend's log.
    private struct Entry: Decodable {
        let event: String
        let nonce: String?
    }

    private func received(_ backend: Backend) throws -> [String] {
        let text = FileManager.default.contents(atPath: backend.logPath) ?? Data()
        return try text.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let entry = try JSONDecoder().decode(Entry.self, from: Data(line))
            return entry.event == "received" ? entry.nonce : nil
        }
    }

    /// The nonces of all whole results in output, errors and journal.
    private func recorded(_ rig: RunRig) -> Set<String> {
        var found: Set<String> = []
        for name in ["out.jsonl", "errors.jsonl", "out.jsonl.journal"] {
            guard let bytes = try? rig.scratch.read(name) else { continue }
            let whole = bytes[...(bytes.lastIndex(of: UInt8(ascii: "\n")) ?? -1)]
            for match in String(decoding: whole, as: UTF8.self).matches(of: /"custom_id":"(n-\d+)"/) {
                found.insert(String(match.output.1))
            }
        }
        return found
    }

    private func input(_ count: Int) -> String {
        file(
            (0..<count).map { number in
                let steps = number % 13 == 0 ? #"["400"]"# : number % 17 == 0 ? #"["500","ok"]"# : #"["ok"]"#
                let script = #"{"nonce":"n-\#(number)","steps":\#(steps),"latency_ms":\#(number * 7919 % 90)}"#
                return chat("n-\(number)", script: #","script":\#(script)"#)
            })
    }

    @Test(arguments: [(UInt64(1), false, "shardline"), (2, true, "shardline"), (3, true, "vllm")])
    func `killed again and again, a run ends with every line once and calls none that was recorded`(
        seed: UInt64, splits: Bool, format: String
    ) async throws {
        try await withRun { rig, backend in
            let count = 1_500
            let path = try rig.scratch.write(input(count), to: "in.jsonl")
            var arguments = rig.arguments(path) + ["--resume", "--format", format, "--max-inflight", "64"]
            // Little memory and a short journal, so that it is written anew in the midst of the kills.
            arguments += ["--buffer-bytes", "30000"]
            if splits { arguments += ["--split-errors", rig.scratch.path("errors.jsonl")] }
            var generator = SplitMix(state: seed)
            var kills = 0
            while true {
                let before = (recorded: recorded(rig), calls: try received(backend).count)
                let run = try ChildProcess(
                    Products.program("batchctl"), arguments, name: "batchctl", in: rig.scratch)
                // The moment is a number of calls: more than half of a round is spent in their midst.
                let mark = before.calls + Int.random(in: 1...300, using: &generator)
                let isKilled = try await eventually("calls or the end") {
                    if run.end != nil { return false }
                    return try await backend.stats().calls >= mark ? true : nil
                }
                if isKilled { try await run.kill9() }
                let again = Set(try received(backend)[before.calls...]).intersection(before.recorded)
                #expect(again.isEmpty, "recorded, and called again")
                if case .exited(let status) = try await run.end() {
                    #expect(status == 6, "\(run.errors)")
                    break
                }
                kills += 1
            }
            #expect(kills >= 3)
            let failures = (0..<count).filter { $0 % 13 == 0 }.map { "n-\($0)" }
            let all = (0..<count).map { "n-\($0)" }
            if splits {
                #expect(try rig.results("errors.jsonl").map(\.custom_id) == failures)
                #expect(try rig.results().map(\.custom_id) == all.filter { !Set(failures).contains($0) })
            } else {
                #expect(try rig.results().map(\.custom_id) == all)
            }
            #expect(try rig.leftovers(but: "in.jsonl", "out.jsonl", "errors.jsonl").isEmpty)
        }
    }

    @Test func `an interrupt waits for the calls in flight, and what they brought is not called again`() async throws {
        try await withRun { rig, backend in
            let path = try rig.scratch.write(input(200), to: "in.jsonl")
            try await backend.hold(after: 40)
            let run = try ChildProcess(
                Products.program("batchctl"), rig.arguments(path) + ["--max-inflight", "16"], name: "batchctl",
                in: rig.scratch)
            let stats = try await backend.stats(reaching: "16 held calls") { $0.held == 16 }
            run.signal(SIGINT)
            _ = try await eventually("a word about it") {
                run.errors.contains("waiting for those in flight") ? true : nil
            }
            try await backend.release()
            #expect(try await run.end() == .exited(130))
            #expect(run.errors.contains("--resume"))
            let calls = try await backend.stats().calls
            #expect(calls == stats.calls, "calls started after the interrupt")
            let before = recorded(rig)
            #expect(before.count > 40)
            let rest = try await rig.run(path, "--resume")
            #expect(rest.status == 6, "\(rest.errors)")
            #expect(Set(try received(backend)[calls...]).isDisjoint(with: before))
            #expect(try rig.results().map(\.custom_id) == (0..<200).map { "n-\($0)" })
        }
    }

    @Test func `a second interrupt ends a run at once, and it can go on`() async throws {
        try await withRun { rig, backend in
            let path = try rig.scratch.write(input(50), to: "in.jsonl")
            try await backend.hold(after: 10)
            let run = try ChildProcess(
                Products.program("batchctl"), rig.arguments(path), name: "batchctl", in: rig.scratch)
            try await backend.stats(reaching: "held calls") { $0.held > 5 }
            run.signal(SIGTERM)
            _ = try await eventually("a word about it") { run.errors.contains("stopping") ? true : nil }
            run.signal(SIGTERM)
            #expect(try await run.end() == .exited(130))
            try await backend.release()
            let rest = try await rig.run(path, "--resume")
            #expect(rest.status == 6, "\(rest.errors)")
            #expect(try rig.results().map(\.custom_id) == (0..<50).map { "n-\($0)" })
        }
    }
}
