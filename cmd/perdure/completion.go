package main

import (
	"strings"

	"github.com/spf13/cobra"
)

func completionCommand(t *terminal) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a script that lets a shell complete commands, ids and names",
		Long: `Print a script that lets a shell complete commands, flags, and the ids and names that the server knows.

  bash        source <(perdure completion bash)
  zsh         perdure completion zsh > "${fpath[1]}/_perdure"
  fish        perdure completion fish > ~/.config/fish/completions/perdure.fish
  powershell  perdure completion powershell | Out-String | Invoke-Expression`,
		Example:   "  perdure completion bash",
		Args:      exactly(1, "a shell: "+strings.Join(shells, ", ")),
		ValidArgs: shells,
		RunE: func(c *cobra.Command, args []string) error {
			root := c.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(t.out, true)
			case "zsh":
				return root.GenZshCompletion(t.out)
			case "fish":
				return root.GenFishCompletion(t.out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(t.out)
			}
			return fail(exitUsage, "known are "+strings.Join(shells, ", "), "no shell %s", args[0])
		},
	}
}
