// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl completions`
struct CompletionsCommand: AsyncParsableCommand {
    /// A shell with completions.
    enum Shell: String, CaseIterable, ExpressibleByArgument {
        case bash
        case zsh
        case fish
    }

    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "completions", abstract: "Print a script that completes commands and options in your shell.",
        discussion: """
            bash:  batchctl completions bash > ~/.local/share/bash-completion/completions/batchctl
            zsh:   batchctl completions zsh > ~/.zfunc/_batchctl   (a directory of your $fpath)
            fish:  batchctl completions fish > ~/.config/fish/completions/batchctl.fish
            """)

    /// The shell to write for.
    @Argument(help: "The shell: bash, zsh or fish.")
    var shell: Shell

    /// Prints the script.
    func run() async throws {
        let script: String =
            switch shell {
            case .bash: BatchctlCommand.completionScript(for: .bash)
            case .zsh: BatchctlCommand.completionScript(for: .zsh)
            case .fish: BatchctlCommand.completionScript(for: .fish)
            }
        try await StandardOutput().write(Array((script + "\n").utf8))
    }
}
