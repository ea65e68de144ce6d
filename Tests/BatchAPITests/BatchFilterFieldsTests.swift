// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import Testing

@testable import BatchAPI

@Suite struct `The conditions of a list` {
    private func read(_ query: String) throws -> BatchFilter {
        try BatchFilterFields.read(try QueryParameters(query), BailianLimits())
    }

    private func param(_ query: String) -> String? {
        do {
            _ = try read(query)
            return nil
        } catch {
            return (error as? BatchError)?.param
        }
    }

    @Test func `may be written plainly or inside extra_query`() throws {
        let plain = try read(
            "ds_name=%E4%BB%BB%E5%8A%A1+1%25_&input_file_ids=file-batch-1%2Cfile-batch-2&status=completed,expired"
                + "&create_after=20250304000000&create_before=20250306123000&limit=2&after=batch_1")
        #expect(plain.namePart == "任务 1%_" && plain.inputFileIDs == ["file-batch-1", "file-batch-2"])
        #expect(plain.statuses == [.completed, .expired])
        // In UTC+8.
        #expect(plain.createdFrom == 1_741_017_600 && plain.createdTo == 1_741_235_400)
        #expect(plain.ageMax == .seconds(30 * 86_400))
        let nested = try read(
            "extra_query%5Bds_name%5D=%E4%BB%BB%E5%8A%A1%201%25_"
                + "&extra_query%5Binput_file_ids%5D=file-batch-1%2Cfile-batch-2"
                + "&extra_query%5Bstatus%5D=completed%2Cexpired&extra_query[create_after]=20250304000000"
                + "&extra_query[create_before]=20250306123000")
        #expect(nested == plain)
        #expect(try read("ds_name=a&extra_query[ds_name]=b").namePart == "a")
        #expect(try read("ds_name=&status=&input_file_ids=,").statuses.isEmpty)
    }

    @Test func `are refused by name when they are wrong`() {
        let many = (0..<21).map { "f\($0)" }.joined(separator: ",")
        let cases = [
            "ds_name=\(String(repeating: "a", count: 101))": "ds_name", "input_file_ids=\(many)": "input_file_ids",
            "status=completed,done": "status", "status=Completed": "status", "create_after=2025-03-04": "create_after",
            "create_after=20250230000000": "create_after", "create_before=20250304240000": "create_before",
            "create_before=2025030412300": "create_before", "extra_query[create_before]=x": "create_before",
            "create_after=20250306000000&create_before=20250305000000": "create_before",
        ]
        for (query, name) in cases { #expect(param(query) == name, "\(query)") }
        #expect(param("input_file_ids=\((0..<20).map { "f\($0)" }.joined(separator: ","))") == nil)
        #expect(param("ds_name=\(String(repeating: "a", count: 100))") == nil)
    }

    @Test(arguments: [
        ("19700101000000", 0, 0), ("19700101080000", 480, 0), ("20000229235959", 0, 951_868_799),
        ("20240301000000", 0, 1_709_251_200), ("19691231235959", 0, -1), ("21000301000000", 0, 4_107_542_400),
        ("20250101000000", -300, 1_735_707_600),
    ])
    func `count seconds by the calendar`(text: String, offset: Int, seconds: Int64) {
        #expect(CompactMoment.unixSeconds(text, utcOffsetMinutes: offset) == seconds)
    }

    @Test(arguments: ["20230229000000", "21000229000000", "20241301000000", "20240100000000", "2024010100006０"])
    func `know no days that there are not`(text: String) {
        #expect(CompactMoment.unixSeconds(text, utcOffsetMinutes: 0) == nil)
    }
}
