// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Testing

@testable import batchd

@Suite struct BenchReportTests {
    @Test func `words are flush left, numbers flush right, and no line ends in blanks`() {
        var table = TextTable(["STAGE", "WALL s", "NOTE"], words: [0, 2])
        table.add(["run", "12.30", "fast"])
        table.add(["finalize", "1.00"])
        #expect(
            table.text == """
                STAGE     WALL s  NOTE
                run        12.30  fast
                finalize    1.00

                """)
    }

    @Test(arguments: [
        (12.3449, 3, "12.345"), (0.0004, 3, "0.000"), (-1.5, 1, "-1.5"), (0.05, 1, "0.1"), (7, 0, "7"),
        (.nan, 2, "0.00"), (.infinity, 0, "0"), (1e300, 1, "0.0"), (999.9996, 3, "1000.000"),
    ])
    func `a number has as many places as asked for`(value: Double, places: Int, text: String) {
        #expect(FigureText.fixed(value, places) == text)
    }

    @Test func `counts have separators and rates are of whole lines`() {
        let counts = [0, 999, 1_000, 1_234_567, -12_345].map(FigureText.count)
        #expect(counts == ["0", "999", "1,000", "1,234,567", "-12,345"])
        #expect(FigureText.rate(100_000, in: .milliseconds(2_500)) == "40,000")
        #expect(FigureText.rate(1, in: .zero) == "-")
    }

    @Test func `processor time is shown per ten thousand lines and the sum of the stages below them`() throws {
        let input = try BenchInput(lines: 20_000, lineBytes: 300, endpoint: "/v1/chat/ds-test", model: "m")
        let cpu = CPUReading(coordinator: 1, worker: 0.5, postgres: 0.25, client: 0.25, machine: 4)
        let run = LinesReport.Run(
            stages: [
                StageFigures(stage: .split, wall: .seconds(1), cpu: cpu),
                StageFigures(stage: .run, wall: .seconds(4), cpu: cpu),
            ],
            account: try #require(
                WorkerAccount([
                    "shards_claimed": "79", "claim_seconds": "1", "calls": "20000", "call_seconds": "8",
                    "checkpoints": "80", "record_seconds": "2", "claim_cpu_seconds": "0.1",
                    "record_cpu_seconds": "0.2",
                ])), failed: 0)
        let state = MachineState(cores: 2, load: 1.5)
        let report = LinesReport(
            input: input, model: "built-in model", concurrency: 256, machine: (state, state), runs: [run]
        ).report
        #expect(report.text.contains("others kept 0.8 of them busy"))
        #expect(report.text.contains("run      4.00    5,000        0.500   0.250       0.125   0.125     1.000\n"))
        #expect(report.text.contains("all      5.00    4,000        1.000   0.500       0.250   0.250     2.000\n"))
        #expect(report.text.contains("call       8.00   200 %   0.100  20,000 calls\n"))
        #expect(report.json.text.contains(#""stage":"split","wall_seconds":1.000000"#))
        #expect(throws: Never.self) {
            try Array(report.json.text.utf8).withUnsafeBytes { _ = try JSONScanner.validate($0) }
        }
    }

    @Test func `one process over the limit makes the memory bench fail and is named`() throws {
        let input = try BenchInput(lines: 10, lineBytes: 300, endpoint: "/v1/chat/ds-test", model: "m")
        let state = MachineState(cores: 2, load: 1.5)
        func report(_ worker: Int64) -> BenchReport {
            MemoryReport(
                input: input, peaks: ["postgres session": 90 << 20, "worker": worker, "coordinator": 60 << 20],
                surroundings: BenchSurroundings(before: state, after: state), stages: []
            ).report
        }
        #expect(report((256 << 20) - 1).isGood)
        let bad = report(256 << 20)
        #expect(!bad.isGood && bad.text.contains("worker            256.0 MiB  NO\n"))
        #expect(bad.json.text.contains(#""passed":false"#))
    }
}
