#Requires -RunAsAdministrator
<#
.SYNOPSIS
    Turns the SMB 1.0 server and client off and says what it found.
.NOTES
    Exit codes for the management agent: 0 nothing to do, 1 failed, 3010 restart needed.
#>
[CmdletBinding(SupportsShouldProcess)]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

try {
    $restart = $false
    if ((Get-SmbServerConfiguration).EnableSMB1Protocol) {
        if ($PSCmdlet.ShouldProcess('SMB 1.0 server', 'Disable')) {
            Set-SmbServerConfiguration -EnableSMB1Protocol $false -Force
        }
    }
    $feature = Get-WindowsOptionalFeature -Online -FeatureName 'SMB1Protocol'
    if ($feature.State -eq 'Enabled') {
        if ($PSCmdlet.ShouldProcess('SMB1Protocol feature', 'Remove')) {
            $result = Disable-WindowsOptionalFeature -Online -FeatureName 'SMB1Protocol' -NoRestart
            $restart = [bool]$result.RestartNeeded
        }
    }
    Write-Output ('SMB1: off. Restart needed: {0}' -f $restart)
    if ($restart) { exit 3010 }
    exit 0
}
catch {
    Write-Error "SMB1 could not be turned off: $_"
    exit 1
}
