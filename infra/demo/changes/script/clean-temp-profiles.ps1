<#
.SYNOPSIS
    Removes local profiles that nobody has used for 90 days.
#>
[CmdletBinding(SupportsShouldProcess)]
param([ValidateRange(30, 3650)][int]$OlderThanDays = 90)

$ErrorActionPreference = 'Stop'
$limit = (Get-Date).AddDays(-$OlderThanDays)
$kept = 'Administrator', 'DefaultAccount', 'Public'

Get-CimInstance -ClassName Win32_UserProfile |
    Where-Object { -not $_.Special -and -not $_.Loaded -and $_.LastUseTime -lt $limit } |
    Where-Object { (Split-Path -Leaf $_.LocalPath) -notin $kept } |
    ForEach-Object {
        if ($PSCmdlet.ShouldProcess($_.LocalPath, 'Remove profile')) {
            Remove-CimInstance -InputObject $_
            Write-Output ('Removed {0}, last used {1:u}' -f $_.LocalPath, $_.LastUseTime)
        }
    }
