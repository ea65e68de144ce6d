// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import batchd

@Suite struct `Room for connections` {
    private func room(_ connections: Int, _ held: Int, files: Int) -> [Int] {
        let room = ConnectionRoom(connectionsMax: connections, heldMax: held, openFilesMax: files, reserve: 1_000)
        return [room.connections, room.held]
    }

    @Test func `is what is configured when there are enough files`() {
        #expect(room(8_192, 20_000, files: 100_000) == [28_192, 20_000])
    }

    @Test func `is what the files allow, and held requests leave some of it to others`() {
        #expect(room(8_192, 20_000, files: 20_000) == [19_000, 17_976])
        #expect(room(8_192, 20_000, files: 4_096) == [3_096, 2_072])
        #expect(room(100, 20_000, files: 4_096) == [3_096, 2_996])
        // With hardly any, each gets half.
        #expect(room(8_192, 20_000, files: 2_024) == [1_024, 512])
        #expect(room(8_192, 20_000, files: 100) == [16, 8])
    }

    @Test func `is not more for held requests than may be held`() {
        #expect(room(8_192, 10, files: 4_096) == [3_096, 10])
    }
}
