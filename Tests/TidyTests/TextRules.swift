// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Rules over the plain text of every file.
enum TextRules {
    /// All of them.
    static let all = [license, fileLength, lineLength, bannedWords, places]

    /// Most lines of one file.
    static let linesMax = 400
    /// Most characters of one line.
    static let columnsMax = 120

    static let license = Rule(claim: "every file begins with its license") { file in
        guard !file.path.hasSuffix(".sql"), !file.path.hasSuffix(".yaml") else { return [] }
        let mark = "SPDX-License-Identifier: Apache-2.0"
        // A first line that programs read stays first.
        let isTaken = file.lines.first.map { $0.hasPrefix("#!") || $0.hasPrefix("// swift-tools-version") } ?? false
        let index = isTaken ? 1 : 0
        guard index >= file.lines.count || !file.lines[index].hasSuffix(mark) else { return [] }
        return [file.violation(index, "this line should say \(mark)")]
    }

    static let fileLength = Rule(claim: "no file is longer than \(linesMax) lines") { file in
        // The reference of all settings is generated, and read by searching.
        guard file.lines.count > linesMax, file.path != "Deploy/shardline.example.yaml" else { return [] }
        return [file.violation(linesMax, "\(file.lines.count) lines: give part of its work a file of its own")]
    }

    static let lineLength = Rule(claim: "no line is longer than \(columnsMax) columns") { file in
        file.lines.indices.compactMap { index in
            let columns = file.lines[index].utf8.count > columnsMax ? file.lines[index].count : 0
            return columns > columnsMax ? file.violation(index, "\(columns) columns") : nil
        }
    }

    /// Word and what to do about it. Written in two parts, so that this list does not break its own rule.
    private static let banned: [(word: String, remedy: String)] = [
        ("TO" + "DO", "do it, or open an issue"),
        ("FIX" + "ME", "fix it, or open an issue"),
        ("XX" + "X", "say what is meant"),
    ]

    static let bannedWords = Rule(claim: "nothing unfinished is marked in the code") { file in
        file.lines.indices.flatMap { index in
            banned.compactMap { word, remedy in
                guard Words.contains(word, in: file.lines[index]) else { return nil }
                return file.violation(index, "\(word): \(remedy)")
            }
        }
    }

    /// Folders of one machine, and the hosts of package registries.
    private static let machinePlaces = [
        "/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "/t" + "mp/", "py" + "pi.org", "npm" + "js.", "cra" + "tes.io",
    ]

    static let places = Rule(claim: "no file names a place on one machine") { file in
        file.lines.indices.flatMap { index in
            machinePlaces.filter { file.lines[index].contains($0) }
                .map { file.violation(index, "\($0) exists on one machine only: ask the system, or take a setting") }
        }
    }
}

/// Finding whole words.
enum Words {
    /// True when `word` stands in `line` with no letter or digit next to it.
    static func contains(_ word: String, in line: String) -> Bool {
        var rest = Substring(line)
        while let range = rest.range(of: word) {
            let before = range.lowerBound > line.startIndex ? line[line.index(before: range.lowerBound)] : " "
            let after = range.upperBound < line.endIndex ? line[range.upperBound] : " "
            if !before.isLetter, !before.isNumber, !after.isLetter, !after.isNumber { return true }
            rest = rest[range.upperBound...]
        }
        return false
    }
}
