// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import batchd

@Suite struct SettingTextTests {
    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("10", .seconds(10)), ("10s", .seconds(10)), ("5m", .seconds(300)),
        ("24h", .seconds(86_400)), ("30d", .seconds(2_592_000)), ("0s", .zero), ("1500ms", .milliseconds(1_500)),
    ])
    func `a length of time is a number and its unit, seconds without one`(text: String, value: Duration) throws {
        #expect(try SettingText.duration(text) == value)
    }

    @Test(arguments: ["", "ten", "-1s", "1.5s", "10 parsecs", "s", "999999999999d"])
    func `what is no length of time is refused`(text: String) {
        #expect(throws: SettingFault.self) { try SettingText.duration(text) }
    }

    @Test(arguments: [
        ("4194304", Int64(4_194_304)), ("512KiB", 524_288), ("4MiB", 4_194_304), ("8GiB", 8_589_934_592), ("0", 0),
        ("4 MiB", 4_194_304),
    ])
    func `a size is a number of bytes or of a binary unit`(text: String, value: Int64) throws {
        #expect(try SettingText.bytes(text) == value)
    }

    @Test(arguments: ["", "4MB", "-1", "1e6", "9223372036854775807KiB", "99999999999999999999"])
    func `what is no size is refused`(text: String) {
        #expect(throws: SettingFault.self) { try SettingText.bytes(text) }
    }

    @Test func `printed values are read back as they were`() throws {
        for value in [
            Duration.zero, .milliseconds(1), .seconds(1), .seconds(90), .seconds(3_600), .seconds(86_400 * 14),
        ] {
            #expect(try SettingText.duration(SettingText.duration(value)) == value)
        }
        for value in [Int64(0), 1, 1_023, 1_024, 6 << 20, 8 << 30, 1_000_000_000] {
            #expect(try SettingText.bytes(SettingText.bytes(value)) == value)
        }
    }

    @Test(arguments: [
        ("postgresql://me:s3cret@db:5432/x", "postgresql://me:***@db:5432/x"),
        ("postgresql://me:a/b@c@db/x?sslmode=require", "postgresql://me:***@db/x?sslmode=require"),
        ("postgresql://me@db/x", "postgresql://me@db/x"),
        (
            "postgresql://db/x?user=me&password=s3cret&sslmode=require",
            "postgresql://db/x?user=me&password=***&sslmode=require"
        ),
        ("host=db password=s3cret user=me", "host=db password=*** user=me"),
        ("host=db password = 'a b\\'c' user=me", "host=db password=*** user=me"),
        ("host=/run/x user=me", "host=/run/x user=me"),
    ])
    func `passwords of a database URL are not shown`(url: String, shown: String) {
        #expect(PasswordMask.masked(url) == shown)
    }

    @Test func `the nearest name is found, and nothing when none is near`() {
        let names = SettingsTable.all.map(\.name)
        #expect(NearestName.of("worker.leese", in: names) == "worker.lease")
        #expect(NearestName.of("limit.lines_max", in: names) == "limits.lines_max")
        #expect(NearestName.of("zzzzzz", in: names) == nil)
    }
}
