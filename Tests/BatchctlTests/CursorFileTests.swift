// SPDX-License-Identifier: Apache-2.0
import BatchClient
import Foundation
import Testing

@testable import batchctl

struct CursorFileTests {
    @Test func `a place is kept and found again`() async throws {
        let kept = TemporaryFile("")
        let file = try CursorFile(path: kept.path)
        #expect(try await file.read() == nil)
        for cursor in [EventCursor.event("evt_1"), .start, .event("evt_2")] {
            try await file.write(cursor)
            #expect(try await CursorFile(path: kept.path).read() == cursor)
        }
        try await file.write(.now)
        #expect(try await file.read() == .event("evt_2"))
        #expect(!FileManager.default.fileExists(atPath: kept.path + ".new"))
    }

    @Test func `a file that does not exist is no place yet`() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        #expect(try await CursorFile(path: path).read() == nil)
    }

    @Test func `what cannot be a cursor file is told before anything is read`() async throws {
        for path in ["-", "/dev/null", FileManager.default.temporaryDirectory.path, "/no/such/folder/cursor"] {
            #expect(throws: ClientError.self) { try CursorFile(path: path) }
        }
        for content in ["batch_1", "evt_1 evt_2", String(repeating: "evt_", count: 1_000)] {
            let kept = TemporaryFile(content)
            let file = try CursorFile(path: kept.path)
            await #expect(throws: ClientError.self) { try await file.read() }
        }
    }
}
