// SPDX-License-Identifier: Apache-2.0

/// Rules over what a file declares.
enum DeclarationRules {
    /// All of them.
    static let all = [documentation, functionLength, names, testNames]

    /// Most lines of one function, from its name to its closing bracket.
    static let functionLinesMax = 70

    static let documentation = Rule(claim: "types, functions and whatever other targets see are documented") { file in
        guard file.isProduct || file.target.hasSuffix("Testing") else { return [] }
        return file.declarations.compactMap { declaration in
            guard !declaration.isPrivate, !declaration.isDocumented, declaration.keyword != "extension",
                declaration.isPackage || !members.contains(declaration.keyword),
                !requirements.contains(declaration.name)
            else { return nil }
            return file.violation(
                declaration.line, "\(declaration.keyword) \(declaration.name) has no `///` comment")
        }
    }

    /// Inside their target the names of these suffice.
    private static let members: Set = ["let", "var", "init", "subscript"]

    /// Requirements of foreign protocols say there what they are: NIO's handlers, `Codable`, `CustomStringConvertible`.
    private static let requirements: Set = [
        "CodingKeys", "description", "debugDescription", "hash", "encode", "errorCaught", "userInboundEventTriggered",
        "channelRead", "channelReadComplete", "channelActive", "channelInactive", "channelWritabilityChanged",
        "handlerAdded", "handlerRemoved", "makeAsyncIterator", "AsyncIterator", "Element", "Failure",
        "InboundIn", "InboundOut", "OutboundIn", "OutboundOut", "next", "configuration",
        "run", "validate", "log", "postgresType", "parameterContent", "listType", "content", "list", "decode",
    ]

    static let functionLength = Rule(claim: "no function is longer than \(functionLinesMax) lines") { file in
        file.declarations.compactMap { declaration in
            let lines = declaration.lastLine - declaration.line + 1
            guard ["func", "init", "var", "subscript"].contains(declaration.keyword), lines > functionLinesMax else {
                return nil
            }
            return file.violation(declaration.line, "\(declaration.name) has \(lines) lines: split it by its steps")
        }
    }

    /// Words that name nothing, and the words of others for our things.
    private static let empty = ["Util", "Utils", "Helper", "Helpers", "Common", "Manager", "Misc", "Job", "Chunk"]
    private static let types: Set = ["struct", "class", "enum", "actor", "protocol", "typealias"]

    static let names = Rule(claim: "types and files are named by what they do, in the words of the glossary") { file in
        let stem = file.name.split(separator: ".").first.map(String.init) ?? ""
        var found = empty.filter { parts(of: stem).contains($0) }
            .map { file.violation(0, "the file name says \($0), which says nothing: name what it does") }
        for declaration in file.declarations where types.contains(declaration.keyword) {
            found += empty.filter { parts(of: declaration.name).contains($0) }
                .map { file.violation(declaration.line, "\(declaration.name): \($0) is not in the glossary") }
            if file.isProduct, declaration.name == file.target {
                found.append(file.violation(declaration.line, "a type with the name of its module hides the module"))
            }
        }
        return found
    }

    static let testNames = Rule(claim: "tests are named as claims") { file in
        guard file.path.hasPrefix("Tests/") else { return [] }
        return file.scanned.indices.compactMap { index in
            let line = file.scanned[index]
            guard line.words.first == "@Test", line.words.contains("func"), !line.code.contains("func `") else {
                return nil
            }
            return file.violation(index, "say what is true, as in func `two workers never hold the same shard`()")
        }
    }

    /// `WakeSignal` → `["Wake", "Signal"]`.
    private static func parts(of name: String) -> [String] {
        var parts: [String] = []
        for character in name {
            if character.isUppercase || parts.isEmpty { parts.append("") }
            parts[parts.count - 1].append(character)
        }
        return parts
    }
}

extension SourceFile {
    /// What the file declares at file and type level.
    var declarations: [Declaration] { DeclarationFinder.declarations(in: scanned) }
}
