// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import BatchAPI

@Suite struct `Range headers` {
    @Test(
        arguments: [
            (nil, .whole), ("bytes=0-", .part(0..<100)), ("bytes=0-0", .part(0..<1)), ("bytes=10-19", .part(10..<20)),
            ("BYTES = 10-19", .whole), ("Bytes=10-19", .part(10..<20)), ("bytes= 10 - 19 ", .part(10..<20)),
            ("bytes=99-", .part(99..<100)), ("bytes=90-1000", .part(90..<100)), ("bytes=-5", .part(95..<100)),
            ("bytes=-1000", .part(0..<100)), ("bytes=100-", .unsatisfiable), ("bytes=100-200", .unsatisfiable),
            ("bytes=-0", .unsatisfiable), ("bytes=99999999999999999999-", .unsatisfiable),
            ("bytes=0-99999999999999999999", .part(0..<100)), ("bytes=-99999999999999999999", .part(0..<100)),
            ("bytes=5-4", .whole), ("bytes=-", .whole), ("bytes=", .whole), ("bytes", .whole), ("lines=1-2", .whole),
            ("bytes=a-b", .whole), ("bytes=1-2-3", .whole), ("bytes=0-1,5-6", .whole), ("bytes=+1-2", .whole),
        ] as [(String?, ByteRange)])
    func `mean what RFC 9110 says`(header: String?, expected: ByteRange) {
        #expect(ByteRange.parse(header, length: 100) == expected, "\(header ?? "none")")
    }

    @Test func `of an empty file are never satisfiable`() {
        for header in ["bytes=0-", "bytes=-1", "bytes=0-0"] {
            #expect(ByteRange.parse(header, length: 0) == .unsatisfiable)
        }
    }
}
