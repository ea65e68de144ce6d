// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BatchCore

@Suite struct PackTests {
    /// A frame of three lines that exercise every field's extremes.
    private func lineFrame() -> [UInt8] {
        var builder = LinePackBuilder()
        add(&builder, 1, nil, #""a""#, "{}")
        add(&builder, 200, 0, #""""#, "")
        add(&builder, .max, 300, #""中""#, String(repeating: "x", count: 20_000))
        return builder.finish()
    }

    private func add(_ builder: inout LinePackBuilder, _ number: Int, _ endpoint: Int?, _ id: String, _ body: String) {
        utf8(id).withUnsafeBytes { id in
            utf8(body).withUnsafeBytes { body in
                builder.append(number: number, endpoint: endpoint, customID: id, body: body)
            }
        }
    }

    /// Outcomes of every kind, with extremes.
    private let outcomes = [
        Outcome(
            ordinal: 0, kind: .success, statusCode: 200, customID: [0x22, 0x61, 0x22], requestID: "req-1", attempts: 2,
            lastError: "HTTP 503 é", startedMilliseconds: 1_795_000_000_123, durationMilliseconds: 950,
            workerID: "worker_1", backend: "local",
            usage: Usage(inputTokens: 10, cachedTokens: 4, outputTokens: 7, reasoningTokens: 2, totalTokens: 17),
            body: ArraySlice(Array(#"{"x":1}"#.utf8))),
        Outcome(
            ordinal: 255, kind: .httpError, statusCode: 429, customID: [0x22, 0x22], workerID: "", body: [0x7B, 0x7D]),
        Outcome(
            ordinal: .max, kind: .noResponse(code: "batch_expired", message: "é\n"), customID: [],
            attempts: .max, startedMilliseconds: .min, durationMilliseconds: .max,
            usage: Usage(inputTokens: .max, cachedTokens: .min, outputTokens: -1, reasoningTokens: 0, totalTokens: 1)),
    ]

    private func segmentFrame() -> [UInt8] {
        var builder = SegmentPackBuilder()
        outcomes.forEach { builder.append($0) }
        return builder.finish()
    }

    @Test func `lines come back as they went in`() throws {
        let pack = try LinePack(lineFrame())
        #expect(pack.lines.map(\.number) == [1, 200, .max])
        #expect(pack.lines.map(\.endpoint) == [nil, 0, 300])
        #expect(pack.lines.map { String(decoding: $0.customID, as: UTF8.self) } == [#""a""#, #""""#, #""中""#])
        #expect(pack.lines.map(\.body.count) == [2, 0, 20_000])
        #expect(try LinePack([1, 0, 0, 0, 0]).lines.isEmpty)
    }

    @Test func `decoded bytes are parts of the frame`() throws {
        let frame = lineFrame()
        let pack = try LinePack(frame)
        for line in pack.lines {
            #expect(Array(frame[line.body.indices]) == Array(line.body))
            #expect(Array(frame[line.customID.indices]) == Array(line.customID))
        }
    }

    @Test func `a builder says when to cut and starts over`() {
        var builder = LinePackBuilder(linesMax: 2, bytesMax: 10)
        #expect(builder.hasRoom(for: 1_000))
        add(&builder, 1, nil, #""a""#, "{}")
        #expect(builder.lineCount == 1)
        #expect(builder.byteCount == 5)
        #expect(builder.hasRoom(for: 5))
        #expect(!builder.hasRoom(for: 6))
        add(&builder, 2, nil, #""b""#, "{}")
        #expect(!builder.hasRoom(for: 0))
        let first = builder.finish()
        #expect(builder.lineCount == 0)
        #expect(builder.byteCount == 0)
        add(&builder, 1, nil, #""a""#, "{}")
        add(&builder, 2, nil, #""b""#, "{}")
        #expect(builder.finish() == first)
    }

    @Test func `outcomes come back as they went in`() throws {
        #expect(try SegmentPack(segmentFrame()).outcomes == outcomes)
        var builder = SegmentPackBuilder()
        #expect(builder.byteCount == 5)
        #expect(try SegmentPack(builder.finish()).outcomes.isEmpty)
    }

    @Test func `frames of version 1, which have no last error, are still read`() throws {
        let id = Array(#""a""#.utf8)
        var frame: [UInt8] = [1, 1, 0, 0, 0, 7, 0, 200, 1, UInt8(id.count)] + id
        frame += [1, 0x72, 3, 4, 6, 1, 1, 0x77, 1, 0x62, 2, 0, 2, 0, 4, 2, 0x7B, 0x7D]
        let outcome = Outcome(
            ordinal: 7, kind: .success, statusCode: 200, customID: id[...], requestID: "r", attempts: 3,
            startedMilliseconds: 2, durationMilliseconds: 3, workerID: "w", backend: "b",
            usage: Usage(inputTokens: 1, outputTokens: 1, totalTokens: 2), body: [0x7B, 0x7D])
        #expect(try SegmentPack(frame).outcomes == [outcome])
        frame[0] = 3
        #expect(throws: PackFault.unknownVersion(3)) { _ = try SegmentPack(frame) }
    }

    @Test func `a frame cut anywhere or prolonged is refused`() {
        for frame in [lineFrame(), segmentFrame()] {
            for end in stride(from: 0, to: frame.count, by: frame.count > 1_000 ? 37 : 1) {
                let cut = Array(frame[..<end])
                #expect(throws: PackFault.self) { _ = try LinePack(cut) }
                #expect(throws: PackFault.self) { _ = try SegmentPack(cut) }
            }
        }
        #expect(throws: PackFault.trailingBytes(offset: 5)) { _ = try LinePack([1, 0, 0, 0, 0, 9]) }
        #expect(throws: PackFault.trailingBytes(offset: 5)) { _ = try SegmentPack([1, 0, 0, 0, 0, 9]) }
    }

    @Test(
        arguments: [
            ([], PackFault.unknownVersion(nil)), ([3, 0, 0, 0, 0], .unknownVersion(3)),
            ([2, 0, 0, 0, 0], .truncated(offset: 5)),
            ([1, 0], .truncated(offset: 2)),
            ([1, 0xFF, 0xFF, 0xFF, 0xFF], .truncated(offset: 5)), ([1, 1, 0, 0, 0, 0x80, 0x00], .badNumber(offset: 5)),
            ([1, 1, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 9) + [2], .badNumber(offset: 5)),
            ([1, 1, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 9) + [1], .badNumber(offset: 5)),
            ([1, 1, 0, 0, 0, 1, 0, 0xFF, 0xFF, 0x7F], .truncated(offset: 7)),
            ([1, 1, 0, 0, 0, 1, 0] + [UInt8](repeating: 0xFF, count: 8) + [0x7F], .truncated(offset: 7)),
        ] as [([UInt8], PackFault)])
    func `hostile frames are refused with their place`(frame: [UInt8], fault: PackFault) {
        #expect(throws: fault) { _ = try LinePack(frame) }
        #expect(!fault.description.isEmpty)
    }

    @Test func `an unknown kind of outcome is refused`() {
        #expect(throws: PackFault.badValue(offset: 6)) { _ = try SegmentPack([1, 1, 0, 0, 0, 0, 3]) }
    }

    @Test func `numbers of every size survive`() throws {
        for shift in 0..<64 {
            for value in [UInt64(1) << UInt64(shift), (UInt64(1) << UInt64(shift)) - 1, .max >> UInt64(shift)] {
                var bytes: [UInt8] = []
                bytes.appendVarint(value)
                bytes.appendSigned(Int64(bitPattern: value))
                var reader = PackReader(bytes)
                #expect(try reader.varint() == value)
                #expect(try reader.signed() == Int64(bitPattern: value))
                try reader.finish()
            }
        }
    }

    @Test func `random damage never traps`() {
        let seed: UInt64 = 20_261_121
        var generator = SeededGenerator(state: seed)
        var short = LinePackBuilder()
        add(&short, 3, 1, #""abc""#, #"{"a":1}"#)
        let frames = [short.finish(), segmentFrame()]
        var refused = 0
        for _ in 0..<20_000 {
            for original in frames {
                var frame = original
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    let at = Int.random(in: 0..<frame.count, using: &generator)
                    switch Int.random(in: 0..<4, using: &generator) {
                    case 0: frame[at] = UInt8.random(in: 0...255, using: &generator)
                    case 1: frame[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                    case 2: frame.insert(0xFF, at: at)
                    default: if frame.count > 1 { frame.remove(at: at) }
                    }
                }
                if (try? LinePack(frame)) == nil { refused += 1 }
                if (try? SegmentPack(frame)) == nil { refused += 1 }
            }
        }
        #expect(refused > 0, "seed \(seed)")
    }
}
