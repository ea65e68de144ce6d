// SPDX-License-Identifier: Apache-2.0

import BatchCore
import Testing

@Suite struct LineSetTests {
    private func set(_ lines: some Sequence<Int>, of count: Int) -> LineSet {
        var set = LineSet(lineCount: count)
        for line in lines { set.insert(line) }
        return set
    }

    @Test func `the operations are those of sets, at every length of the last byte`() {
        var generator = SystemRandomNumberGenerator()
        for count in 1...70 {
            let all = Set(0..<count)
            let left = all.filter { _ in Bool.random(using: &generator) }
            let right = all.filter { _ in Bool.random(using: &generator) }
            let (a, b) = (set(left, of: count), set(right, of: count))
            var union = a
            union.formUnion(b)
            #expect(union == set(left.union(right), of: count))
            #expect(a.subtracting(b) == set(left.subtracting(right), of: count))
            #expect(a.complement == set(all.subtracting(left), of: count))
            #expect(a.complement.complement == a)
            #expect(a.isDisjoint(with: b) == left.isDisjoint(with: right))
            #expect(a.isSuperset(of: b) == left.isSuperset(of: right))
            #expect(a.lines == left.sorted() && a.count == left.count)
            #expect(LineSet(lineCount: count, bytes: a.complement.bytes) == a.complement)
        }
    }

    @Test func `a bitmap of another length, or with a line too many, is refused`() {
        #expect(LineSet(lineCount: 9, bytes: [0xFF]) == nil)
        #expect(LineSet(lineCount: 9, bytes: [0xFF, 0x02]) == nil)
        #expect(LineSet(lineCount: 9, bytes: [0xFF, 0x01])?.isFull == true)
    }
}

@Suite struct LaneTests {
    @Test func `lanes are named, and the first served is the smallest`() {
        #expect(Lane.allCases.map(\.name) == ["live", "normal", "background"])
        #expect(Lane.allCases.allSatisfy { Lane(name: $0.name) == $0 })
        #expect(Lane(name: "express") == nil)
        #expect(Lane.allCases.sorted() == [.live, .normal, .background])
    }

    @Test func `a part is told from the shard it was split from`() {
        let batch = BatchID(rawValue: "batch_a")
        #expect("\(ShardKey(batch: batch, number: 7))" == "batch_a/7")
        #expect("\(ShardKey(batch: batch, number: 7, part: 2))" == "batch_a/7.2")
        #expect(ShardKey(batch: batch, number: 7) != ShardKey(batch: batch, number: 7, part: 2))
    }
}
